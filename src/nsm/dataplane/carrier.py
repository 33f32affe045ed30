"""Keeps a passthrough's vWires joined while their interfaces come and go."""

import asyncio
import logging
from dataclasses import dataclass

from nsm.dataplane import nft
from nsm.dataplane.forward import PASS_ALL, Former, Joint, find, join, part
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Netns
from nsm.dataplane.plan.beside import leaving
from nsm.dataplane.rules import Rules
from nsm.dataplane.watch import LinkWatch
from nsm.errors import NotFound, NsmError
from nsm.sdk.tasks import Tasks

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    joint: Joint
    rules: Rules
    former: Former | None = None
    joined: tuple[int, int] | None = None


class Carrier:
    """Joins two interfaces as soon as both are there, and again when one is made anew.

    The endpoint's own interface towards the client appears only after the endpoint has answered;
    so `keep` may be called before it is there. Where another takes the place of the way on, the one
    before carries until `keep` says for whom the new one is, and then whoever has not heard of it.
    """

    def __init__(self, kernel: Kernel, netns: Netns, tasks: Tasks) -> None:
        self._kernel = kernel
        self._netns = netns
        self._tasks = tasks
        self._kept: dict[str, _Kept] = {}
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._watch: LinkWatch | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The nft tables that join what is there now."""
        return tuple(table for table, kept in self._kept.items() if kept.joined)

    @property
    def listens(self) -> bool:
        """Whether it has a socket to hear of interfaces on."""
        return self._watch is not None

    async def keep(self, joint: Joint, rules: Rules = PASS_ALL) -> None:
        """Join now if both are there, else as soon as they are. Invalid for bad rules."""
        await self._listen()
        async with self._lock:
            kept, before = _Kept(joint, rules), self._kept.get(joint.table)
            if before and before.joined and (left := await self._left(before, before.joined[1])):
                kept.former = Former(before.joint, left)
            await self._bring_up_to_date(kept)
            self._kept[joint.table] = kept

    async def drop(self, joint: Joint) -> None:
        """Join these no more, and let nothing through."""
        async with self._lock:
            if self._kept.pop(joint.table, None):
                await part(self._kernel, joint)

    async def check(self, rules: Rules) -> None:
        """Invalid unless nft knows what the rules mean; nothing is changed."""
        body = "\n".join((*rules.expressions, rules.otherwise))
        table = f"table netdev nsm_check {{\nchain rules {{\n{body}\n}}\n}}\n"
        script = f"{table}delete table netdev nsm_check\n"
        await self._kernel.inside(self._netns, lambda: nft.run(script))

    def close(self) -> None:
        """Listen no more; what is joined stays so."""
        if self._watch:
            self._watch.close()
        self._watch = None

    async def _listen(self) -> None:
        if self._watch is None:
            self._watch = await LinkWatch.of(self._kernel, self._netns, self._changed.set)
            self._tasks.start("keep passthrough joined", self._follow())

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            async with self._lock:
                for kept in list(self._kept.values()):
                    await self._mend(kept)

    async def _mend(self, kept: _Kept) -> None:
        try:
            await self._bring_up_to_date(kept)
        except NsmError as error:
            log.warning("%s and %s are not joined: %s", kept.joint.a, kept.joint.b, error)

    async def _bring_up_to_date(self, kept: _Kept) -> None:
        """Join unless these very interfaces are joined; wait for what is not there."""
        try:
            a, b = await find(self._kernel, kept.joint)
            before = kept.joined or (0, 0)
            if before[0] == a.index and before[1] != b.index and await self._left(kept, before[1]):
                return
            if kept.former and await self._left(kept, kept.former.b.index) is None:
                kept.former = kept.joined = None
            if kept.joined != (a.index, b.index):
                kept.joined = await join(self._kernel, kept.joint, kept.rules, kept.former)
        except NotFound:
            kept.joined = None

    async def _left(self, kept: _Kept, index: int) -> Link | None:
        """The way on of that index, if another has taken its place meanwhile.

        It is there for as long as somebody may still use it.
        """
        link = await self._kernel.look(kept.joint.netns, leaving(kept.joint.b.name))
        return link if link and link.index == index else None
