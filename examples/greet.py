"""An endpoint of one's own: serves vWires like any other, and says who comes and goes."""

from nsm.endpoint import Call, Connection, Element, Handler, Request, serve


class Greet(Element):
    """Say hello to whoever is connected, and goodbye."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        print("hello", conn.hops.segments[0].name, *conn.ip.src_ip_addrs, flush=True)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        print("goodbye", conn.hops.segments[0].name, flush=True)
        await next.close(call, conn)


serve(Greet())
