"""One stream of a next hop's events, and those who hear it (see `nsm.sdk.watching`)."""

import asyncio
import logging
from typing import TYPE_CHECKING

from nsm.api.connection import Segment
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.errors import Cancelled, Unimplemented
from nsm.sdk.call import Call
from nsm.sdk.channel import Channel
from nsm.sdk.clock import Alarm
from nsm.sdk.streams import reading

if TYPE_CHECKING:  # the two halves of one idea, in files of a size to be read
    from nsm.sdk.watching import Interest, Watching

log = logging.getLogger(__name__)

LINGER = 30.0
"""Seconds a stream is kept for whoever asks next."""


class Stream:
    """One channel's monitor, and everyone who hears it; `key` says which program it is."""

    def __init__(self, watching: "Watching", channel: Channel, key: object) -> None:
        self.watching = watching
        self.channel = channel
        self.key = key
        self.since = watching.clock.ticks()
        self.heard_by: dict[Interest, None] = {}
        self.task: asyncio.Task[None] | None = None
        self.idle: Alarm | None = None

    def start(self) -> None:
        self.task = self.watching.tasks.start(f"watch {self.channel.peer.id}", self.run())

    def join(self, interest: "Interest") -> None:
        self.heard_by[interest] = None
        if self.idle:
            self.idle.cancel()
            self.idle = None

    def leave(self, interest: "Interest") -> None:
        self.heard_by.pop(interest, None)
        if not self.heard_by and not self.idle:
            pause = LINGER if self._in_use else 0.0
            self.idle = self.watching.clock.after(pause, self._end)

    def succeeds(self, other: "Stream") -> bool:
        """Whether what is heard of here is no longer heard of from `other`."""
        return self is not other and self.key == other.key and self._in_use

    @property
    def _in_use(self) -> bool:
        return self.watching.streams.get(self.key) is self

    async def run(self) -> None:
        told = True
        try:
            await self._listen()
        except Cancelled:
            told = False  # W §1.8: a stream that ends like this says "do not heal"
        except Unimplemented:
            log.warning("%s cannot be watched: its end goes unnoticed", self.channel.peer.id)
            told = False
        except Exception as error:
            log.info("no longer hearing %s: %s", self.channel.peer.id, error)
        self._forget(told=told)

    async def _listen(self) -> None:
        selector = Selector(path_segments=(Segment(name=self.watching.name),))
        async with reading(self.channel.monitor.watch(Call(), selector)) as events:
            async for event in events:
                self._spread(event)

    def _spread(self, event: ConnectionEvent) -> None:
        for conn in event.connections.values():
            path = conn.hops
            # Ours is the hop before theirs; two before where we asked on as another segment.
            for at in (path.index - 2, path.index - 1, path.index):
                if 0 <= at < len(path.segments):
                    for interest in self._interested(path.segments[at].id, at):
                        interest.hear(self, event.type, conn)

    def _interested(self, id: str, at: int) -> list["Interest"]:
        return [one for one in self.watching.interests.get(id, ()) if one.index == at]

    def _forget(self, *, told: bool) -> None:
        if self._in_use:
            del self.watching.streams[self.key]
        if self.idle:
            self.idle.cancel()
        heard_by, self.heard_by = self.heard_by, {}
        for interest in heard_by:
            if told:
                interest.lose()
            else:
                interest.stream = None

    def _end(self) -> None:
        self._forget(told=False)
        if self.task:
            self.task.cancel()
