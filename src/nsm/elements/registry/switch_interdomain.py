"""Lead what belongs to another domain to whoever knows the way there (W §3.6, §8)."""

from collections.abc import AsyncIterator
from itertools import chain

from nsm.api.registration import Answer, Query, R
from nsm.elements.registry.catalog import services_of
from nsm.errors import NotFound
from nsm.sdk import Call, Registry, RegistryElement


class SwitchInterdomain(RegistryElement[R]):
    """Names with an `@` go to `proxy`, all others on; without a proxy the former are refused."""

    def __init__(self, proxy: Registry[R] | None) -> None:
        self.proxy: Registry[R] | None = proxy

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        return await self._way(record, next).register(call, record)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        return self._way(query.like, next).find(call, query)

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await self._way(record, next).unregister(call, record)

    def _way(self, record: R, next: Registry[R]) -> Registry[R]:
        foreign = [name for name in chain((record.name,), services_of(record)) if "@" in name]
        if not foreign:
            return next
        if self.proxy is None:
            raise NotFound(
                f"{foreign[0]} belongs to another domain and this registry knows no way there",
                fix="set NSM_PROXY_REGISTRY_URL",
            )
        return self.proxy
