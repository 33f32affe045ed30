"""Put the question to whoever the channel leads to."""

from collections.abc import AsyncIterator, Callable

from nsm.api.registration import Answer, Query, R
from nsm.errors import Unreachable
from nsm.sdk import Call, Channel, Registry, RegistryElement


class AskRegistry(RegistryElement[R]):
    """The last of a client's chain: ask the peer; `pick` says which of its registries."""

    def __init__(self, pick: Callable[[Channel], Registry[R]]) -> None:
        self.pick: Callable[[Channel], Registry[R]] = pick

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        return await self._peer(call).register(call, record)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        return self._peer(call).find(call, query)

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await self._peer(call).unregister(call, record)

    def _peer(self, call: Call) -> Registry[R]:
        if call.channel is None:
            raise Unreachable("no channel to a registry")
        return self.pick(call.channel)
