"""Telling everyone who watches a registry, at the pace of each.

One event is one answer object, given to all. Who is slow is given the last state of each name, in
the order those states came about; a deletion is never skipped, only what preceded it may be.
"""

import asyncio
from collections.abc import Iterable
from typing import Generic

from nsm.api.registration import Answer, R
from nsm.elements.registry.catalog import services_of
from nsm.elements.registry.matching import is_like
from nsm.errors import Exhausted


class Watcher(Generic[R]):
    """One asker, and what it has yet to be told: at most a deletion and a state a name."""

    __slots__ = ("_due", "_lost", "_wake", "most", "wanted")

    def __init__(self, wanted: R, most: int) -> None:
        self.wanted: R = wanted
        self.most = most
        self._due: dict[tuple[str, bool], Answer[R]] = {}
        self._wake: asyncio.Future[None] | None = None  # one reader: no Event
        self._lost = False

    def tell(self, answer: Answer[R]) -> None:
        """Queue `answer`; what it makes obsolete goes."""
        name = answer.record.name
        if self._due:
            self._due.pop((name, False), None)
            if answer.deleted:
                self._due.pop((name, True), None)
        self._due[name, answer.deleted] = answer
        if len(self._due) > self.most:
            self._due.clear()
            self._lost = True
        if self._wake and not self._wake.done():
            self._wake.set_result(None)

    async def due(self) -> Iterable[Answer[R]]:
        """What is to be told, once there is something; Exhausted when it was too much to keep."""
        if not (self._due or self._lost):
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        if self._lost:
            raise Exhausted(
                f"{self.most} events waited for a watcher that does not read", fix="watch anew"
            )
        due, self._due = self._due, {}
        return due.values()


class Watchers(Generic[R]):
    """Everyone who watches, kept by what they ask for first: a name, a service, or anything."""

    def __init__(self, most: int, backlog: int) -> None:
        self.most = most
        self.backlog = backlog
        self._count = 0
        self._by_key: dict[tuple[str, str], dict[Watcher[R], None]] = {}

    def __len__(self) -> int:
        return self._count

    def join(self, wanted: R, now: Iterable[Answer[R]]) -> Watcher[R]:
        """A new watcher, first due what is there `now`; Exhausted when there are too many."""
        if self._count >= self.most:
            raise Exhausted(f"{self.most} watch here already, and no more may")
        watcher = Watcher(wanted, self.backlog)
        for answer in now:
            watcher.tell(answer)
        self._by_key.setdefault(_key(wanted), {})[watcher] = None
        self._count += 1
        return watcher

    def leave(self, watcher: Watcher[R]) -> None:
        """Tell it nothing more."""
        group = self._by_key.get(key := _key(watcher.wanted), {})
        if watcher in group:
            del group[watcher]
            self._count -= 1
        if not group:
            self._by_key.pop(key, None)

    def tell(self, answer: Answer[R]) -> None:
        """Tell everyone whose query the record answers."""
        record = answer.record
        services: dict[str, None] = dict.fromkeys(services_of(record))
        keys = [("name", record.name), *(("service", name) for name in services), ("", "")]
        for key in keys:
            for watcher in self._by_key.get(key, ()):
                if is_like(record, watcher.wanted):
                    watcher.tell(answer)


def _key(wanted: R) -> tuple[str, str]:
    if wanted.name:
        return ("name", wanted.name)
    services = services_of(wanted)
    return ("service", services[0]) if services else ("", "")
