"""Take the sockets of local endpoints that the manager found (W §2.2 recvfd client)."""

from collections import OrderedDict
from collections.abc import AsyncIterator

from nsm.api.names import InodeUrl
from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry.endpoint_files import EndpointFiles
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement
from nsm.sdk.clock import Alarm
from nsm.sdk.streams import reading

LOOK = 3.0
"""Seconds between two looks at whether somebody still listens at what is held."""


class ReceiveFoundFile(RegistryElement[Endpoint]):
    """Show a path of ours for every inode URL found; stands between dialling and asking.

    The files found last, `most` of them, are held: what they were found for comes after the answer.
    A socket whose endpoint has stopped listening there is of no use to anyone and soon let go of.
    """

    def __init__(self, files: EndpointFiles, clock: Clock, most: int = 1024) -> None:
        self.files = files
        self.clock = clock
        self.most = most
        self.held: OrderedDict[str, str] = OrderedDict()
        self.looking: Alarm | None = None

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
            if answer.deleted:
                return answer
            ours = await self.files.receive(call, files, url)
            self._hold(url, ours)
        self.held.move_to_end(url)
        return replace(answer, record=replace(answer.record, url=self.held[url]))

    def _hold(self, url: str, ours: str) -> None:
        if url in self.held:  # found twice at once: one is enough
            self.files.close(ours)
            return
        self._let_go_of_the_dead()
        self.held[url] = ours
        while len(self.held) > self.most:
            self.files.close(self.held.popitem(last=False)[1])
        self._look_again()

    def _look_again(self) -> None:
        if self.looking is None and self.held:
            self.looking = self.clock.after(LOOK, self._look)

    def _look(self) -> None:
        self.looking = None
        self._let_go_of_the_dead()
        self._look_again()

    def _let_go_of_the_dead(self) -> None:
        for wire, ours in list(self.held.items()):
            if self.files.is_gone(ours):
                self.files.close(self.held.pop(wire))
