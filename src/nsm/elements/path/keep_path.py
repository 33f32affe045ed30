"""Say that the path goes on."""

from nsm.elements.path.trim_path import TrimPath
from nsm.sdk import Call, Connection, Element, Handler, Request


class KeepPath(Element):
    """Tell the `TrimPath` of the server we are part of that another hop has answered."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        TrimPath.onward.put(call, True)
        return conn
