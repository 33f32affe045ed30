"""Take the sockets of local endpoints that the manager found (W §2.2 recvfd client)."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import replace

from nsm.api.names import InodeUrl
from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry.endpoint_files import EndpointFiles
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading


class ReceiveFoundFile(RegistryElement[Endpoint]):
    """Show a path of ours for every inode URL found; stands between dialling and asking.

    The files found last, `most` of them, are held: what they were found for comes after the answer.
    A socket whose endpoint has stopped listening there is of no use to anyone and let go of.
    """

    def __init__(self, files: EndpointFiles, most: int = 1024) -> None:
        self.files = files
        self.most = most
        self.held: OrderedDict[str, str] = OrderedDict()

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                yield await self._shown(call, answer)

    async def _shown(self, call: Call, answer: Answer[Endpoint]) -> Answer[Endpoint]:
        url = answer.record.url
        files = call.channel.files if call.channel else None
        if not InodeUrl.is_said_by(url) or not files:
            return answer
        if url not in self.held:
            self._let_go_of_the_dead()
            if answer.deleted:
                return answer
            ours = await self.files.receive(call, files, url)
            self._hold(url, ours)
        self.held.move_to_end(url)
        return replace(answer, record=replace(answer.record, url=self.held[url]))

    def _let_go_of_the_dead(self) -> None:
        for wire, ours in list(self.held.items()):
            if self.files.is_gone(ours):
                self.files.close(self.held.pop(wire))

    def _hold(self, url: str, ours: str) -> None:
        if url in self.held:  # found twice at once: one is enough
            self.files.close(ours)
            return
        self.held[url] = ours
        while len(self.held) > self.most:
            self.files.close(self.held.popitem(last=False)[1])
