"""Answer an offered kernel interface with our own namespace."""

from nsm.api.mechanism import INODE_URL, KERNEL, NAME
from nsm.elements.mechanism.interface_name import interface_name
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class AnswerKernel(Element):
    """Where a kernel interface was selected, say which namespace of ours it goes into."""

    def __init__(self, namespace_url: str) -> None:
        self.namespace_url = namespace_url

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        if asked.mechanism and asked.mechanism.type == KERNEL:
            name = asked.mechanism.get(NAME) or interface_name(asked.network_service, asked.id)
            ours = asked.mechanism.having(**{INODE_URL: self.namespace_url, NAME: name})
            request = request.carrying(replace(asked, mechanism=ours))
        return await next.request(call, request)
