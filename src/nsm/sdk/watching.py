"""Hear what becomes of connections at their next hops: one stream a channel, however many ask.

An interest is expressed before its request goes out, so nothing that happens meanwhile is missed.
A connection that is made anew is first deleted at the next hop, and news of that may come late.
But every request that succeeds is itself announced there. So a DOWN counts at once when it follows
that announcement, and otherwise only when none comes within a moment.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Protocol

from nsm.api.connection import DOWN, Connection, Segment
from nsm.api.monitoring import DELETE, INITIAL_STATE_TRANSFER, UPDATE, ConnectionEvent, Selector
from nsm.errors import Cancelled, Unimplemented
from nsm.sdk.call import Call
from nsm.sdk.channel import Channel
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.streams import reading
from nsm.sdk.tasks import Tasks

log = logging.getLogger(__name__)

DOUBT = 1.0
"""Seconds a DOWN without announcement may be an echo of what was closed to make room."""
LINGER = 30.0
"""Seconds a stream is kept for whoever asks next."""


class Listener(Protocol):
    """Whoever wants to know."""

    def heard(self, kind: int, conn: Connection) -> None:
        """The connection as the next hop has it; deleted there is DOWN here.

        What only announces our own request is told as INITIAL_STATE_TRANSFER.
        """
        ...

    def lost(self) -> None:
        """The next hop is gone, or no longer tells us anything."""
        ...


class Watching:
    """A program's ear at its next hops; `name` is the program's own name in paths."""

    def __init__(self, name: str, tasks: Tasks, clock: Clock) -> None:
        self.name = name
        self.tasks = tasks
        self.clock = clock
        self.interests: dict[str, list[Interest]] = {}
        self.streams: dict[int, _Stream] = {}

    def interest(self, conn: Connection, listener: Listener) -> "Interest":
        """An interest in `conn`, known by this hop's segment of it."""
        return Interest(self, conn.id, conn.hops.index, listener)

    def stream(self, channel: Channel) -> "_Stream":
        """The stream of that channel, opened if it is not."""
        stream = self.streams.get(id(channel))
        if stream is None:
            stream = self.streams[id(channel)] = _Stream(self, channel)
            stream.task = self.tasks.start(f"watch {channel.peer.id}", stream.run())
        return stream


class Interest:
    """One connection somebody wants to hear of: `expect`, ask, then `settle` or `give_up`."""

    def __init__(self, watching: Watching, id: str, index: int, listener: Listener) -> None:
        self.watching = watching
        self.id = id
        self.index = index
        self.listener = listener
        self.stream: _Stream | None = None
        self._expecting = False
        self._announced = False
        self._lost = False
        self._early: dict[tuple[_Stream, int], Connection] = {}
        self._doubt: Alarm | None = None

    @property
    def relayed(self) -> bool:
        """Whether there is a next hop we hear of it from."""
        return self.stream is not None

    def expect(self) -> None:
        """A request goes out: keep what is heard until it is answered."""
        interests = self.watching.interests.setdefault(self.id, [])
        if self not in interests:
            interests.append(self)
        self._expecting, self._announced = True, False
        self._calm()

    def settle(self, channel: Channel | None, asked: Connection | None = None) -> None:
        """It succeeded, through `channel` (None: there is no next hop).

        `asked` is how the next hop knows it, where the program takes two segments of a path.
        """
        if channel is None:
            self.drop()
            return
        if asked and asked.id != self.id:
            self.drop()
            self.id, self.index = asked.id, asked.hops.index
            self.expect()
        self._move(self.watching.stream(channel))
        self._expecting = self._lost = False
        self._catch_up()

    def give_up(self) -> None:
        """It failed: what stood before is what we go on listening to."""
        self._expecting, self._announced = False, True
        self._catch_up()
        if self._lost:
            self._lost = False
            self.listener.lost()

    def drop(self) -> None:
        """No longer interested."""
        self._expecting = self._lost = False
        self._early.clear()
        self._calm()
        self._move(None)
        interests = self.watching.interests.get(self.id, [])
        if self in interests:
            interests.remove(self)
        if not interests:
            self.watching.interests.pop(self.id, None)

    def hear(self, stream: "_Stream", kind: int, conn: Connection) -> None:
        """The stream says so."""
        if kind == DELETE:
            conn = replace(conn, state=DOWN)
        if self._expecting:
            self._early.pop((stream, conn.state), None)
            self._early[stream, conn.state] = conn
        elif stream is self.stream:
            if kind == INITIAL_STATE_TRANSFER:
                self._announced = True
            self._tell(kind, conn)

    def lose(self) -> None:
        """The stream has ended."""
        self.stream = None
        self._calm()
        if self._expecting:
            self._lost = True
        else:
            self.listener.lost()

    def _catch_up(self) -> None:
        early, self._early = self._early, {}
        for (stream, _), conn in early.items():
            if stream is self.stream:
                self._tell(UPDATE, conn)

    def _tell(self, kind: int, conn: Connection) -> None:
        if conn.state != DOWN:
            kind = kind if self._announced else INITIAL_STATE_TRANSFER
            self._announced = True
            self._calm()
            self.listener.heard(kind, conn)
        elif self._announced:
            self.listener.heard(UPDATE, conn)
        elif not self._doubt:
            self._doubt = self.watching.clock.after(DOUBT, lambda: self._believe(conn))

    def _believe(self, conn: Connection) -> None:
        self._announced, self._doubt = True, None
        self.listener.heard(UPDATE, conn)

    def _calm(self) -> None:
        if self._doubt:
            self._doubt.cancel()
            self._doubt = None

    def _move(self, stream: "_Stream | None") -> None:
        if stream is self.stream:
            return
        if self.stream:
            self.stream.leave(self)
        self.stream = stream
        if stream:
            stream.join(self)


class _Stream:
    """One channel's monitor, and everyone who hears it."""

    def __init__(self, watching: Watching, channel: Channel) -> None:
        self.watching = watching
        self.channel = channel
        self.heard_by: dict[Interest, None] = {}
        self.task: asyncio.Task[None] | None = None
        self.idle: Alarm | None = None

    def join(self, interest: Interest) -> None:
        self.heard_by[interest] = None
        if self.idle:
            self.idle.cancel()
            self.idle = None

    def leave(self, interest: Interest) -> None:
        self.heard_by.pop(interest, None)
        if not self.heard_by and self.watching.streams.get(id(self.channel)) is self:
            self.idle = self.watching.clock.after(LINGER, self._end)

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

    def _interested(self, id: str, at: int) -> list[Interest]:
        return [one for one in self.watching.interests.get(id, ()) if one.index == at]

    def _forget(self, *, told: bool) -> None:
        if self.watching.streams.get(id(self.channel)) is self:
            del self.watching.streams[id(self.channel)]
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
