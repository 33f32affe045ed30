"""Reach the registry."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Query, R
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Dialer, Registry, RegistryElement
from nsm.sdk.streams import reading


class DialRegistry(RegistryElement[R]):
    """Get a channel to `url`, or to where the call is on its way, in at most `timeout` seconds."""

    def __init__(self, dialer: Dialer, url: str = "", timeout: float | None = 0.3) -> None:
        self.dialer = dialer
        self.url = url
        self.timeout = timeout

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        return await next.register(await self._reach(call), record)

    async def find(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        async with reading(next.find(await self._reach(call), query)) as answers:
            async for answer in answers:
                yield answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await next.unregister(await self._reach(call), record)

    async def _reach(self, call: Call) -> Call:
        url = self.url or call.to
        if not url:
            raise Invalid("no registry to ask", fix="set its URL")
        channel = await self.dialer.dial(url, self.timeout)
        if call.begun:
            call.life.channel = channel
        return replace(call, to=url, channel=channel)
