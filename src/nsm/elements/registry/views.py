"""What registries tell whoever watches them, kept so that they need not be asked each time."""

import logging
from asyncio import Task
from dataclasses import dataclass, field
from typing import Generic

from nsm.api.registration import Query, R
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Registry, Tasks
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds a topic is followed after it was last asked for."""
MOST = 1024
"""Topics followed at once; those beyond are asked for."""
MOST_RECORDS = 16_384
"""Names one watch may tell of before it is no longer followed."""


@dataclass(eq=False)
class View(Generic[R]):
    """One topic as its watch has told of it: what there is, and all names it ever told."""

    topic: R
    asked: float
    records: dict[str, R] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    whole: bool = False
    """Whether the watch is known to have told all there was; said by whoever asked as well."""
    task: "Task[None] | None" = None

    def put(self, record: R, *, gone: bool = False) -> None:
        """The registry says so of this record now."""
        self.told.add(record.name)
        if gone:
            self.records.pop(record.name, None)
        else:
            self.records[record.name] = record


class Views(Generic[R]):
    """Views by topic, each a query's record; one that is not asked for is given up."""

    def __init__(self, tasks: Tasks, clock: Clock, most: int = MOST) -> None:
        self.tasks = tasks
        self.clock = clock
        self.most = most
        self.known: dict[object, View[R]] = {}

    def of(self, key: object, topic: R, next: Registry[R]) -> View[R] | None:
        """What is known of the topic; from now on it is followed, if it was not and may be."""
        if view := self.known.get(key):
            view.asked = self.clock.ticks()
        elif len(self.known) < self.most:
            view = self.known[key] = View(topic, self.clock.ticks())
            view.task = self.tasks.start(f"follow {key}", self._follow(key, view, next))
            self.clock.after(IDLE, lambda: self._look(key, view))
        return view

    def forget(self, key: object) -> None:
        """Follow it no longer; whoever has its view learns nothing from it."""
        if view := self.known.pop(key, None):
            _empty(view)
            if view.task:
                view.task.cancel()

    async def _follow(self, key: object, view: View[R], next: Registry[R]) -> None:
        try:
            async with reading(next.find(Call(), Query(view.topic, watch=True))) as answers:
                async for answer in answers:
                    view.put(answer.record, gone=answer.deleted)
                    if len(view.told) > MOST_RECORDS:
                        log.info("no longer following %s: it has too many records", key)
                        return
        except NsmError as error:
            log.info("no longer following %s: %s", key, error)
        finally:
            _empty(view)
            if self.known.get(key) is view:
                del self.known[key]

    def _look(self, key: object, view: View[R]) -> None:
        """Leave off once nobody has asked for long enough."""
        if self.known.get(key) is not view:
            return
        left = view.asked + IDLE - self.clock.ticks()
        if left > 0:
            self.clock.after(left, lambda: self._look(key, view))
        else:
            self.forget(key)


def _empty(view: View[R]) -> None:
    view.whole = False
    view.records.clear()
    view.told.clear()
