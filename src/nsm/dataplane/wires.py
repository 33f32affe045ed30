"""What stands in the kernel, by connection: made, kept as agreed, replaced and removed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from nsm.dataplane import plan
from nsm.dataplane.driver import Driver
from nsm.dataplane.inherited import Inherited
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddVeth, AddVxlan, DelLink, LinkEnd, Op
from nsm.errors import NsmError

log = logging.getLogger(__name__)

Place = tuple[Netns, str]


class Wires:
    """The vWires of one forwarder. By id and not in a life: they outlive a close that failed."""

    def __init__(self, kernel: Driver) -> None:
        self.kernel = kernel
        self.standing: dict[str, tuple[Op, ...]] = {}
        self.doomed: set[str] = set()
        self.found = Inherited()
        self.leaving: dict[str, tuple[Op, ...]] = {}
        """What takes away where each stood before it was moved, for whoever is to `leave` it."""
        self.left: dict[str, tuple[Op, ...]] = {}
        """What of that was to be taken away, and could not be."""

    @property
    def places(self) -> frozenset[Place]:
        """Where interfaces stand that a sweep must leave alone."""
        return frozenset(place for ops in self.standing.values() for place in plan.ends(ops))

    async def build(self, id: str, wanted: tuple[Op, ...], *, known: bool = False) -> None:
        """Make it, or bring what stands up to date; `known`: another may have made it before us."""
        before = self.standing.get(id, ())
        with self._wanted_again(id):
            if same_device(before, wanted) or (not before and (id in self.found or known)):
                seen = {place: await self.kernel.look(*place) for place in plan.ends(wanted)}
                await self.kernel.apply(*plan.refresh(wanted, seen, before))
            else:
                in_the_way = self.found.in_the_way(plan.ends(wanted))
                await self.kernel.apply(*plan.undo(before), *in_the_way, *wanted)
        self.standing[id] = wanted
        self.found.take(id)

    async def replace(self, id: str, wanted: tuple[Op, ...]) -> tuple[Op, ...]:
        """Make it beside what stands, and put it in its place: what to `leave` later.

        If that fails, what stood stands. What is yet to be left from before is left now.
        """
        before = self.standing.get(id, ())
        if not before or same_device(before, wanted):
            await self.build(id, wanted)
            return ()
        await self._leave_now(id)
        steps = plan.beside(before, wanted)
        with self._wanted_again(id):
            await self.kernel.apply(*steps.build)
            try:
                await self.kernel.apply(*steps.switch)
            except BaseException:
                await self._try(id, steps.back)
                raise
            self.standing[id], self.leaving[id] = wanted, steps.rest
        await self._try(id, steps.shed)
        return steps.rest

    async def leave(self, id: str, rest: tuple[Op, ...]) -> None:
        """Take away what was replaced, unless that has been done."""
        if self.leaving.get(id) is rest:
            del self.leaving[id]
            await self._clear(id, rest)

    async def remove(self, id: str) -> None:
        """Take it away; unknown ones are no error. What fails is to be tried again by `finish`."""
        await self._leave_now(id)
        if standing := self.standing.get(id):
            self.doomed.add(id)
            await self.kernel.apply(*plan.undo(standing))
            self.doomed.discard(id)
            self.standing.pop(id, None)

    async def finish(self) -> None:
        """Take away what could not be when it was to go, and nobody has asked for since."""
        for id in (*self.doomed, *self.left):
            try:
                if id in self.doomed:
                    await self.remove(id)
                await self._clear(id, self._needless(self.left.pop(id, ())))
            except NsmError as error:
                log.warning("%s still stands, though nobody has it: %s", id, error)

    @contextmanager
    def _wanted_again(self, id: str) -> Iterator[None]:
        """Somebody asks for it, and has it unless that fails."""
        doomed, left = id in self.doomed, self.left.pop(id, ())
        self.doomed.discard(id)
        try:
            yield
        except BaseException:
            if doomed:
                self.doomed.add(id)
            raise
        finally:
            if left:
                self.left[id] = (*left, *self.left.get(id, ()))

    def _needless(self, rest: tuple[Op, ...]) -> tuple[Op, ...]:
        """What of it is not where something has been wanted since."""
        places = self.places
        return tuple(
            op
            for op in rest
            if not isinstance(op, DelLink)
            or not places.intersection(_place(end) for end in (op.end, op.peer) if end)
        )

    async def _clear(self, id: str, rest: tuple[Op, ...]) -> None:
        """Take away what is left of where it stood before. What fails is for `finish` as well."""
        try:
            await self.kernel.apply(*rest)
        except BaseException:
            self.left[id] = (*self.left.get(id, ()), *rest)
            raise

    async def _leave_now(self, id: str) -> None:
        try:
            await self.leave(id, self.leaving.get(id, ()))
        except NsmError as error:
            log.warning("%s still stands where it was before: %s", id, error)

    async def _try(self, id: str, ops: tuple[Op, ...]) -> None:
        try:
            await self.kernel.apply(*ops)
        except NsmError as error:
            log.warning("%s is not wholly as it should be: %s", id, error)


def same_device(before: tuple[Op, ...], wanted: tuple[Op, ...]) -> bool:
    """Whether what stands can be brought up to date, and need not be made anew."""
    return bool(before) and _device(before[0]) == _device(wanted[0])


def _device(op: Op) -> tuple[object, ...]:
    match op:
        case AddVeth(a, b):
            return (_place(a), _place(b))
        case AddVxlan(node, end, vni, local, remote, port):
            return (_place(end), node, vni, local, remote, port)
        case _:
            return (op,)


def _place(end: LinkEnd) -> Place:
    return (end.netns, end.name)
