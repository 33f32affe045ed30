"""Send whoever finds a local endpoint the socket it listens at (W §2.2 sendfd server)."""

from collections.abc import AsyncIterator, Callable

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry.endpoint_files import EndpointFiles, send
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading


class SendFoundFile(RegistryElement[Endpoint]):
    """Say an inode URL, and send the file, to a forwarder that files can travel to.

    To nobody else, who is told to come by way of the manager (`own_url`): with an endpoint's socket
    in hand one could pass by all that checks requests.

    Only files that endpoints gave us leave: a path in a record is a stranger's word, and opening it
    with our rights would hand out any socket of this host.
    """

    def __init__(self, files: EndpointFiles, believed: Callable[[str], bool], own_url: str) -> None:
        self.files = files
        self.believed = believed
        self.own_url = own_url

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                yield self._sent(call, answer)

    def _sent(self, call: Call, answer: Answer[Endpoint]) -> Answer[Endpoint]:
        fd = self.files.fd(answer.record.url)
        if fd is None or call.peer is None:
            return answer
        if not self.believed(call.peer.id):
            return replace(answer, record=replace(answer.record, url=self.own_url))
        if call.files is None:
            return answer
        return replace(answer, record=replace(answer.record, url=send(call.files, fd)))
