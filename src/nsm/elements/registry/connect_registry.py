"""Ask on behalf of whoever asks us (W §2.2 connect)."""

import asyncio
import logging
from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Query, R
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.closing import GRACE
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)


class ConnectRegistry(RegistryElement[R]):
    """Register onward first, then here; find there, then here; what fails here is undone there."""

    def __init__(self, onward: Registry[R]) -> None:
        self.onward: Registry[R] = onward

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        known = call.begun and call.life.last is not None
        answer = await self.onward.register(call, record)
        try:
            return await next.register(call, answer)
        except BaseException:
            if not known:
                await self._undo(call, answer)
            raise

    async def find(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        """A watch onward ends only with an error, so that what is here comes after it at most."""
        for registry in (self.onward, next):
            async with reading(registry.find(call, query)) as answers:
                async for answer in answers:
                    yield answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        """Both are told, also when the first refuses."""
        try:
            await self.onward.unregister(call, record)
        finally:
            await next.unregister(call, record)

    async def _undo(self, call: Call, answer: R) -> None:
        try:
            async with asyncio.timeout(GRACE):
                await asyncio.shield(self.onward.unregister(call, answer))
        except Exception:
            log.warning("could not undo the registration of %s", answer.name, exc_info=True)
