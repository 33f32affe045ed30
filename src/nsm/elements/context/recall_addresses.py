"""Give nobody what an earlier life of ours gave to somebody else."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence

from nsm.api import cidr
from nsm.api.cidr import Address
from nsm.api.paths import granted_until
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.errors import Invalid, NsmError
from nsm.pools import Pair
from nsm.sdk import Alarm, Call, Clock, Connection, Element, Handler, Request, Tasks
from nsm.store import Notes

log = logging.getLogger(__name__)

BUILT = 10.0
"""Seconds after which an interface stands that was being built when an earlier life ended."""
Standing = Callable[[], Awaitable[Collection[Address]]]
"""Asks for the addresses that our own interfaces have."""


class RecallAddresses(Element):
    """Note what `groups` give, and keep what was noted before for whoever had it.

    It is theirs until they ask for it again, or the time they were given it for is over, or its
    interface turns out to be gone: who left while we were dead told only the kernel.
    """

    def __init__(
        self,
        groups: Sequence[AssignPointToPoint],
        notes: Notes,
        standing: Standing,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self.groups = groups
        self.standing = standing
        self.notes = notes
        self.clock = clock
        self.awaited: dict[str, Alarm] = {}
        for id, until, words in notes:
            if self._hold(id, words):
                self._await(id, until)
            else:
                notes.drop(id)
        if self.awaited:
            tasks.start("look for the vWires of an earlier life", self._look())

    def may_come(self) -> list[tuple[str, float]]:
        """Who has not asked again so far, and how long what they had is kept for them."""
        return [(id, self.notes.until(id)) for id in self.awaited]

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        id = request.connection.id
        was_awaited = self._comes(id)
        try:
            conn = await next.request(call, request)
        except BaseException:
            if was_awaited:
                self._await(id, self.notes.until(id))
            raise
        pairs = (group.held[id] for group in self.groups)
        words = tuple(str(address) for pair in pairs for address in (pair.dst, pair.src))
        self.notes.put(id, words, granted_until(conn.hops))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        finally:
            self.notes.drop(conn.id)

    def _hold(self, id: str, words: Sequence[str]) -> bool:
        """Keep for a connection what was noted, as far as it is ours to give."""
        try:
            found = [cidr.host(word) for word in words]
        except Invalid:
            return False
        pairs = [Pair(dst, src) for dst, src in zip(found[::2], found[1::2], strict=False)]
        held = [group.hold(id, pair) for group in self.groups for pair in pairs]
        return any(held)

    def _await(self, id: str, until: float) -> None:
        self.awaited[id] = self.clock.at(until, lambda: self._stays_away(id))

    def _comes(self, id: str) -> bool:
        alarm = self.awaited.pop(id, None)
        if alarm:
            alarm.cancel()
        return alarm is not None

    async def _look(self) -> None:
        await self.clock.sleep(BUILT)
        try:
            here = await self.standing()
        except (NsmError, OSError) as error:
            log.info("cannot see which vWires stand from before: %s", error)
            return
        for id in tuple(self.awaited):
            pairs = [group.held[id] for group in self.groups if id in group.held]
            if not any(pair.dst in here for pair in pairs):
                self._stays_away(id)

    def _stays_away(self, id: str) -> None:
        self._comes(id)
        self.notes.drop(id)
        for group in self.groups:
            group.let_go(id)
