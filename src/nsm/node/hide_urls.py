"""Keep URLs of this process to this process."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Endpoint, Query
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading

INPROC = "inproc:"


class HideUrls(RegistryElement[Endpoint]):
    """Show the manager's URL in place of one that leads nowhere from elsewhere; take none in."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        if record.url.startswith(INPROC):
            raise Invalid(f"{record.url[:80]!r} is no URL of yours", fix="register where you serve")
        return await next.register(call, record)

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                if answer.record.url.startswith(INPROC):
                    shown = replace(answer.record, url=self.url)
                    yield replace(answer, record=shown)
                else:
                    yield answer
