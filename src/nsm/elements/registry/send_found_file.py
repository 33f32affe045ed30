"""Send whoever finds a local endpoint the socket it listens at (W §2.2 sendfd server)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry.endpoint_files import EndpointFiles, send
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading


class SendFoundFile(RegistryElement[Endpoint]):
    """Say an inode URL, and send the file, to a forwarder that files can travel to.

    To nobody else: with an endpoint's socket in hand one could pass by all that checks requests.

    Only files that endpoints gave us leave: a path in a record is a stranger's word, and opening it
    with our rights would hand out any socket of this host.
    """

    def __init__(self, files: EndpointFiles, believed: Callable[[str], bool]) -> None:
        self.files = files
        self.believed = believed

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                yield self._sent(call, answer)

    def _sent(self, call: Call, answer: Answer[Endpoint]) -> Answer[Endpoint]:
        fd = self.files.fd(answer.record.url)
        known = call.peer is not None and self.believed(call.peer.id)
        if fd is None or call.files is None or not known:
            return answer
        return replace(answer, record=replace(answer.record, url=send(call.files, fd)))
