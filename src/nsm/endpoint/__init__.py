"""For authors of endpoints: `serve` a network service with elements of one's own.

    from nsm.endpoint import Element, serve

    class Greet(Element):
        async def request(self, call, request, next):
            conn = await next.request(call, request)
            print("hello", conn.ip.src_ip_addrs)
            return conn

    serve(Greet())

Run it with `nsm endpoint greet.py`, or as `run: greet.py` in a world. Addresses, the interface,
registration, identity and an orderly end come with it; settings are NSM_* variables.
"""

from nsm.endpoint.serving import serve
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot, closing_on_error

__all__ = [
    "Call",
    "Connection",
    "Element",
    "Handler",
    "Request",
    "Slot",
    "closing_on_error",
    "serve",
]
