"""Take the socket that a local endpoint sends in place of an address (W §2.2 recvfd)."""

from typing import NamedTuple

from nsm.api.names import InodeUrl
from nsm.api.registration import Endpoint
from nsm.elements.registry.endpoint_files import EndpointFiles
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement, Slot


class _Held(NamedTuple):
    wire: str
    ours: str


class ReceiveEndpointFile(RegistryElement[Endpoint]):
    """Show what follows a path of ours for an inode URL, and hold the file while it is registered.

    The registrant is shown its own URL again. The same inode is the same file.
    """

    def __init__(self, files: EndpointFiles) -> None:
        self.files = files
        self.held = Slot[_Held]()

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        before = self.held.get(call)
        held = await self._hold(call, record.url, before)
        try:
            answer = await next.register(call, replace(record, url=held.ours))
        except BaseException:
            if held != before:
                self.files.close(held.ours)
            raise
        if before and held != before:
            self.files.close(before.ours)
        self.held.put(call, held)
        return replace(answer, url=record.url) if held.ours != record.url else answer

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        held = self.held.take(call) or _Held(record.url, record.url)
        try:
            await next.unregister(call, replace(record, url=held.ours))
        finally:
            self.files.close(held.ours)

    async def _hold(self, call: Call, url: str, before: _Held | None) -> _Held:
        if before and before.wire == url:
            return before
        if not InodeUrl.is_said_by(url):
            return _Held(url, url)
        if call.files is None:
            raise Invalid(
                f"{url} comes from a peer that can send no files", fix="use a unix socket"
            )
        return _Held(url, await self.files.receive(call, call.files, url))
