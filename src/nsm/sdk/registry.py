"""Registries and their elements: one shape serves network services and endpoints alike."""

from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol

from nsm.api.registration import Answer, Query, R
from nsm.sdk.call import Call
from nsm.sdk.chain import Chain
from nsm.sdk.handler import Link


class Registry(Protocol[R]):
    """Anything records of kind R can be registered with and found in."""

    async def register(self, call: Call, record: R) -> R:
        """Keep `record`, by its name; the answer is what is kept."""
        ...

    def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        """What is like the query now; then, where it watches, what changes, in order."""
        ...

    async def unregister(self, call: Call, record: R) -> None:
        """Forget `record`, by its name."""
        ...


class RegistryElement(Generic[R]):
    """Override what you care about; the rest passes through."""

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        """Act on the way down, on the way back, or both."""
        return await next.register(call, record)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        """Alter the question or the answers."""
        return next.find(call, query)

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        """Undo what `register` did."""
        await next.unregister(call, record)

    def bind(self, next: Registry[R]) -> Registry[R]:
        """Stand in front of `next`."""
        return _Bound(self, next)


@dataclass(frozen=True, slots=True)
class _Bound(Generic[R]):
    element: RegistryElement[R]
    next: Registry[R]

    def register(self, call: Call, record: R) -> Coroutine[object, object, R]:
        return self.element.register(call, record, self.next)

    def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        return self.element.find(call, query, self.next)

    def unregister(self, call: Call, record: R) -> Coroutine[object, object, None]:
        return self.element.unregister(call, record, self.next)


class NowhereElse(Generic[R]):
    """Where a registry chain ends: nothing is kept and nothing is found."""

    async def register(self, call: Call, record: R) -> R:
        return record

    async def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        nothing: tuple[Answer[R], ...] = ()
        for answer in nothing:
            yield answer

    async def unregister(self, call: Call, record: R) -> None:
        return None


def registry_chain(*links: Link[Registry[R]]) -> Chain[Registry[R]]:
    """Read top to bottom: the first link sees a question first and its answers last."""
    return Chain(links, lambda _, bound: bound)
