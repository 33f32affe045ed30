"""A last registry that writes down what reached it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic

from nsm.api.registration import Answer, Query, R
from nsm.sdk.call import Call


class RecordingRegistry(Generic[R]):
    """Answers what was asked for, or fails as told; `heard` and `calls` tell the story.

    `failing` is used up, one entry a question (None: answer it); `change` makes the answer to a
    registration; a watch is given `found`, then stays open until `lose`.
    """

    def __init__(self, *found: Answer[R]) -> None:
        self.found: list[Answer[R]] = list(found)
        self.heard: list[tuple[str, R]] = []
        self.calls: list[Call] = []
        self.failing: list[Exception | None] = []
        self.change: Callable[[R], R] = lambda record: record
        self.watches = 0
        self._lost: list[asyncio.Future[None]] = []

    async def register(self, call: Call, record: R) -> R:
        self._hear("register", call, record)
        return self.change(record)

    async def unregister(self, call: Call, record: R) -> None:
        self._hear("unregister", call, record)

    async def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        self._hear("watch" if query.watch else "find", call, query.like)
        for answer in self.found:
            yield answer
        if query.watch:
            await self._until_lost()

    def lose(self, error: Exception | None = None) -> None:
        """End all watches, with a failure or without."""
        lost, self._lost = self._lost, []
        for one in lost:
            one.set_exception(error) if error else one.set_result(None)

    @property
    def verbs(self) -> list[str]:
        """What was heard, in order, as "verb name"."""
        return [f"{verb} {record.name}" for verb, record in self.heard]

    def _hear(self, verb: str, call: Call, record: R) -> None:
        self.heard.append((verb, record))
        self.calls.append(call)
        if self.failing and (error := self.failing.pop(0)):
            raise error

    async def _until_lost(self) -> None:
        lost = asyncio.get_running_loop().create_future()
        self._lost.append(lost)
        self.watches += 1
        try:
            await lost
        finally:
            self.watches -= 1
            if lost in self._lost:
                self._lost.remove(lost)
