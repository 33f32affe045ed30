"""What a program tells those who watch its connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

from nsm.api.connection import DOWN, REFRESH_REQUESTED, Connection
from nsm.api.matching import is_selected
from nsm.api.monitoring import (
    DELETE,
    INITIAL_STATE_TRANSFER,
    UPDATE,
    ConnectionEvent,
    Selector,
)
from nsm.api.validate import check_selector
from nsm.nouns import replace
from nsm.sdk.call import Call, Peer

MOST_AT_ONCE = 200
"""Connections in one event: with tokens of a long path they stay well below 4 MiB."""


Sees = Callable[[Peer | None, Connection], bool]
"""Whether a peer may hear of a connection."""


class Events:
    """Every connection as it was last seen here; a `Monitor` of them (W §1.8).

    Nobody is refused, because clients watch before they have a connection; who may not see some of
    them is told of the others.
    """

    def __init__(self, sees: Sees = lambda *_: True) -> None:
        self._sees = sees
        self._known: dict[str, Connection] = {}
        self._watchers: dict[_Watcher, None] = {}  # told in the order they came
        self._stopped = False

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._known.values())

    def publish(self, conn: Connection) -> None:
        """This is how the connection is now."""
        self._known[conn.id] = conn
        self._tell(UPDATE, conn)

    def down(self, conn: Connection) -> None:
        """The connection carries nothing for now."""
        self.publish(replace(conn, state=DOWN))

    def ask_again(self, conn: Connection) -> None:
        """What the connection was given has changed: whoever has it is to ask for it again."""
        self.publish(replace(conn, state=REFRESH_REQUESTED))

    def delete(self, conn: Connection) -> None:
        """The connection is no more."""
        self._known.pop(conn.id, None)
        self._tell(DELETE, conn)

    def stop(self) -> None:
        """End every watch, cleanly: the watchers learn that we stop, and heal."""
        self._stopped = True
        for watcher in self._watchers:
            watcher.wake.set()

    async def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        """All that is known, at once, then what happens; ends when the program stops."""
        check_selector(selector)
        watcher = _Watcher(lambda conn: is_selected(conn, selector) and self._sees(call.peer, conn))
        self._watchers[watcher] = None
        try:
            for event in self._initial(watcher):
                yield event
            while not self._stopped:
                await watcher.wake.wait()
                for event in watcher.drain():
                    yield event
        finally:
            self._watchers.pop(watcher, None)

    def _initial(self, watcher: "_Watcher") -> Iterator[ConnectionEvent]:
        known = [conn for conn in self._known.values() if watcher.wants(conn)]
        yield from _batched(INITIAL_STATE_TRANSFER, known)
        if not known:
            yield ConnectionEvent(INITIAL_STATE_TRANSFER)

    def _tell(self, kind: int, conn: Connection) -> None:
        for watcher in self._watchers:
            watcher.tell(kind, conn)


class _Watcher:
    """What one watcher has yet to hear: per connection the last of each kind, in order.

    So a watcher that does not read costs a few connections' worth and misses no final state.
    """

    def __init__(self, wants: Callable[[Connection], bool]) -> None:
        self.wants = wants
        self.wake = asyncio.Event()
        self.pending: dict[tuple[str, int, int], Connection] = {}

    def tell(self, kind: int, conn: Connection) -> None:
        if not self.wants(conn):
            return
        key = (conn.id, kind, conn.state)
        self.pending.pop(key, None)
        self.pending[key] = conn
        self.wake.set()

    def drain(self) -> Iterator[ConnectionEvent]:
        """All of it, in as few events as keep the order."""
        self.wake.clear()
        pending, self.pending = self.pending, {}
        group: dict[str, Connection] = {}
        kind = UPDATE
        for (id, this_kind, _), conn in pending.items():
            if group and (this_kind != kind or id in group or len(group) == MOST_AT_ONCE):
                yield ConnectionEvent(kind, group)
                group = {}
            kind = this_kind
            group[id] = conn
        if group:
            yield ConnectionEvent(kind, group)


def _batched(kind: int, conns: list[Connection]) -> Iterator[ConnectionEvent]:
    for start in range(0, len(conns), MOST_AT_ONCE):
        yield ConnectionEvent(kind, {c.id: c for c in conns[start : start + MOST_AT_ONCE]})
