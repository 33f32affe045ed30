"""Take requests only from those whose business it is to pass them on."""

from collections.abc import Callable

from nsm.errors import Denied
from nsm.sdk import Call, Connection, Element, Handler, Request


class LimitCallers(Element):
    """Refuse whoever comes to us past the hop before ours, and with it past all it would check.

    A close takes nothing: whoever was let in may always leave.
    """

    def __init__(self, believed: Callable[[str], bool], setting: str) -> None:
        self.believed = believed
        self.setting = setting

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.peer is not None and not self.believed(call.peer.id):
            raise Denied(
                f"{call.peer.id} is none of those who may ask here",
                fix=f"ask a manager; if it is to be one of them, name it in {self.setting}",
            )
        return await next.request(call, request)
