"""Hear what becomes of connections at their next hops, through few streams however many ask.

An interest is expressed before its request goes out, so nothing that happens meanwhile is missed.
A connection that is made anew is first deleted at the next hop, and news of that may come late.
But every request that succeeds is itself announced there. So a DOWN counts at once when it follows
that announcement, and otherwise only when none comes within a moment.
"""

from typing import Protocol

from nsm.api.connection import DOWN, RESELECT_REQUESTED, UP, Connection
from nsm.api.monitoring import DELETE, INITIAL_STATE_TRANSFER, UPDATE
from nsm.nouns import replace
from nsm.sdk.call import Life
from nsm.sdk.channel import Channel
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.listening import Stream
from nsm.sdk.tasks import Tasks

DOUBT = 1.0
"""Seconds a DOWN without announcement may be an echo of what was closed to make room."""
EARLY = 32
"""News kept while a request is under way; what is told of a connection by others than its own next
hop can be at most a few."""
RENEW = 60.0
"""Seconds after which a stream is begun anew on a newer channel, so that the old one can go."""


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


class _Nobody:
    def heard(self, kind: int, conn: Connection) -> None:
        return None

    def lost(self) -> None:
        return None


class Watching:
    """A program's ear at its next hops; `name` is the program's own name in paths."""

    def __init__(self, name: str, tasks: Tasks, clock: Clock) -> None:
        self.name = name
        self.tasks = tasks
        self.clock = clock
        self.interests: dict[str, list[Interest]] = {}
        self.streams: dict[object, Stream] = {}

    def interest(self, conn: Connection, listener: Listener) -> "Interest":
        """An interest in `conn`, known by this hop's segment of it."""
        return Interest(self, conn.id, conn.hops.index, listener)

    def stream(self, channel: Channel, url: str) -> Stream:
        """The stream from whoever is there, opened if it is not, or if it is on an old channel.

        A pool gives out a new channel now and then, and each stream would say what all others say:
        so one serves all channels to the same program, known by its URL and certificate, as long
        as ours is the same, too: a channel ends with either.
        """
        peer = channel.peer
        key: object = (url, peer.id, peer.leaf, peer.shown) if url and peer.leaf else id(channel)
        stream = self.streams.get(key)
        if stream and (stream.channel is channel or self.clock.ticks() - stream.since < RENEW):
            return stream
        stream = self.streams[key] = Stream(self, channel, key)
        stream.start()
        return stream


class Interest:
    """One connection somebody wants to hear of: `expect`, ask, then `settle` or `give_up`."""

    def __init__(self, watching: Watching, id: str, index: int, listener: Listener) -> None:
        self.watching = watching
        self.id = id
        self.index = index
        self.listener = listener
        self.stream: Stream | None = None
        self._expecting = False
        self._announced = False
        self._lost = False
        self._early: dict[tuple[Stream, str, int], Connection] = {}
        self._way: tuple[str, ...] = ()
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

    def settle(self, life: Life, conn: Connection) -> None:
        """It was answered, through the life's channel, or without any next hop.

        Where the program takes two segments of a path, the next hop knows it by the second.
        """
        self._way = tuple(segment.id for segment in conn.hops.segments)
        if life.channel is None:
            self.drop()
            return
        asked = life.asked
        if asked and asked.id != self.id:
            self.drop()
            self.id, self.index = asked.id, asked.hops.index
            self.expect()
        self._move(self.watching.stream(life.channel, life.url))
        self._expecting = self._lost = False
        self._catch_up()

    def give_up(self) -> None:
        """It failed: what stood before is what we go on listening to."""
        self._expecting, self._announced = False, True
        self._catch_up()
        if self._lost:
            self._lost = False
            self.listener.lost()

    def leave(self) -> None:
        """Never interested again, nor is whoever was held by it."""
        self.drop()
        self.listener = _Nobody()

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

    def hear(self, stream: Stream, kind: int, conn: Connection) -> None:
        """The stream says so."""
        if kind == DELETE:
            conn = replace(conn, state=DOWN)
        elif conn.state == RESELECT_REQUESTED:  # Go announces what it was asked in these words
            conn = replace(conn, state=UP)
        if self._expecting:
            self._keep(stream, conn)
            return
        if self.stream and stream.succeeds(self.stream):
            self._move(stream)
        if stream is self.stream and self._is_on_its_way(conn):
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

    def _keep(self, stream: Stream, conn: Connection) -> None:
        said = (stream, conn.id, conn.state)
        self._early.pop(said, None)
        if len(self._early) >= EARLY:
            self._early.pop(next(iter(self._early)))
        self._early[said] = conn

    def _catch_up(self) -> None:
        early, self._early = self._early, {}
        for (stream, _, _), conn in early.items():
            if stream is self.stream and self._is_on_its_way(conn):
                self._tell(UPDATE, conn)

    def _is_on_its_way(self, conn: Connection) -> bool:
        """Whether that is of the way it has now.

        What went another way before, by the same hop, may stand there under another id, and end
        long after.
        """
        at = conn.hops.index
        return at >= len(self._way) or self._way[at] == conn.id

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

    def _move(self, stream: Stream | None) -> None:
        if stream is self.stream:
            return
        if self.stream:
            self.stream.leave(self)
        self.stream = stream
        if stream:
            stream.join(self)
