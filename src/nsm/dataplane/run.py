"""One `apply`, carried out by the worker thread: create, set, remove, and take back on failure."""

import errno
import logging
import random
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from nsm.dataplane import encode, link
from nsm.dataplane.driver import NameTaken, VniTaken
from nsm.dataplane.encode import Message, NewEnd, Tunnel
from nsm.dataplane.ledger import same_owner
from nsm.dataplane.link import Link
from nsm.dataplane.netlink import Refused
from nsm.dataplane.netns import Netns, standing_in
from nsm.dataplane.ops import (
    AddAddress,
    AddBridge,
    AddRoute,
    AddVeth,
    AddVxlan,
    Creation,
    DelLink,
    LinkEnd,
    Op,
    SetLink,
    mtu_of,
)
from nsm.dataplane.reaper import Reaper, doom
from nsm.dataplane.sockets import Sockets
from nsm.dataplane.steps import Setting, Step, mac, names, place, refusal, step
from nsm.errors import NotFound, NsmError

log = logging.getLogger(__name__)

OURS = 0x6E736D01
"""The link group of what is to have an alias, so that what a crash left without is known too."""
INDICES = (1000, 1 << 20)
TRIES = 8


class Run:
    """Carries out ops in order; remembers what it made, and which index an interface has."""

    def __init__(self, sockets: Sockets, reaper: Reaper) -> None:
        self._sockets = sockets
        self._reaper = reaper
        self._index: dict[tuple[Netns, str], int] = {}
        self._made: list[Op] = []

    def carry_out(self, ops: Sequence[Op]) -> list[Op]:
        """Do all and say which of them changed something; on failure take those back and raise."""
        try:
            settings: list[Setting] = []
            for op in ops:
                if isinstance(op, AddVeth | AddVxlan | AddBridge | DelLink):
                    self._set(settings)
                    settings = self._begin(op)
                else:
                    settings.append(op)
            self._set(settings)
            self._make_ready()
        except (NsmError, OSError):
            self.take_back(self._made)
            raise
        return self._made

    def take_back(self, made: Iterable[Op]) -> None:
        """Undo, last first, and go on whatever fails."""
        for op in reversed(list(made)):
            inverse = op.undo()
            if inverse is None:
                continue
            try:
                Run(self._sockets, self._reaper).carry_out((inverse,))
            except (NsmError, OSError) as error:
                log.warning("could not %s when taking back: %s", inverse, error)

    def _make_ready(self) -> None:
        """Let packets pass from the first: asked for a link, the kernel acts on its carrier now.

        Otherwise the end of a pair that was up first drops what it is given until a kernel thread
        has seen that the other is up too (kernel 6.8 and later; earlier ones cannot be hurried).
        """
        for op in self._made:
            for end in (op.a, op.b) if isinstance(op, AddVeth) else ():
                self.find(end.netns, end.name)

    def _begin(self, op: Creation | DelLink) -> list[Setting]:
        """Create or remove links; what is left to be set on them."""
        if isinstance(op, DelLink):
            self._bury(op)
            return []
        if self._create(op):
            self._made.append(op)
        ends = (op.a, op.b) if isinstance(op, AddVeth) else (op.end,)
        return [SetLink(e.netns, e.name, mtu_of(op), e.alias, up=True) for e in ends]

    # -- creating

    def _create(self, op: Creation) -> bool:
        """Create, or find the same already there (False)."""
        for _ in range(TRIES):
            refused = self._attempt(op)
            if refused is None:
                return True
            if refused.code == errno.EBUSY:  # the index drawn is in use there: draw again
                continue
            if refused.code != errno.EEXIST:
                raise refusal(op, refused)
            if self._stands(op):
                return False
            self._reaper.wait()  # a VNI or name may still be held by what is being removed
        raise self._taken(op)

    def _attempt(self, op: Creation) -> Refused | None:
        match op:
            case AddVeth(a, b, mtu):
                sender, message = a.netns, encode.new_veth(self._new(a), self._new(b), mtu)
            case AddVxlan(node, end, vni, local, remote, port, mtu):
                tunnel = Tunnel(vni, local, remote, port)
                sender, message = node, encode.new_vxlan(self._new(end), tunnel, mtu)
            case AddBridge(end):
                sender, message = end.netns, encode.new_link(self._new(end), "bridge")
        answer = self._sockets.of(sender).ask(message)
        return answer if isinstance(answer, Refused) else None

    def _new(self, end: LinkEnd) -> NewEnd:
        """The end with an index drawn for it: known beforehand, it need not be asked for."""
        index = random.randrange(*INDICES)
        while index in self._index.values():
            index = random.randrange(*INDICES)
        self._index[end.netns, end.name] = index
        hardware = mac(end.mac) if end.mac else b""
        return NewEnd(end.name, index, end.netns.fd, hardware, OURS if end.alias else 0)

    def _stands(self, op: Creation) -> bool:
        """Whether what is to be created is there; NameTaken when a name is another's."""
        ends = (op.a, op.b) if isinstance(op, AddVeth) else (op.end,)
        found = [self.find(end.netns, end.name) for end in ends]
        for end, there in zip(ends, found, strict=True):
            if there and _unfinished(there):
                self._bury(DelLink(end))
                return False
            if there and not same_owner(there.alias, end.alias):
                raise NameTaken(
                    f"cannot {op}: there is another interface {end.name}",
                    fix="choose another interface name, or remove what has it",
                )
        return all(found)

    def _taken(self, op: Creation) -> NsmError:
        if isinstance(op, AddVxlan):
            return VniTaken(f"cannot {op}: this node uses that VNI already")
        return NameTaken(f"cannot {op}: the name is taken")

    # -- setting

    def _set(self, settings: Sequence[Setting]) -> None:
        """Carry out settings, those for one namespace in one send."""
        ordered = sorted(settings, key=lambda op: place(op).key)
        for _, group in groupby(ordered, key=lambda op: place(op).key):
            ops = list(group)
            self._learn(place(ops[0]), {n for op in ops for n in names(op)})
            self._send(place(ops[0]), [(op, step(op, self._index)) for op in ops])

    def _send(self, netns: Netns, steps: Sequence[tuple[Setting, Step]]) -> None:
        """Send first tries; switch IPv6 on where it was off; replace what was there; or raise."""
        again, wrong = self._try(netns, steps)
        if wrong and any(self._wake_ipv6(op, refused) for op, _, refused in wrong):
            more, wrong = self._try(netns, [(op, todo) for op, todo, _ in wrong])
            again += more
        if wrong:
            raise refusal(wrong[0][0], wrong[0][2])
        self._replace(netns, again)

    def _try(
        self, netns: Netns, steps: Sequence[tuple[Setting, Step]]
    ) -> tuple[list[tuple[Setting, Message]], list[tuple[Setting, Step, Refused]]]:
        """What is to be sent instead, and what was refused."""
        again: list[tuple[Setting, Message]] = []
        wrong: list[tuple[Setting, Step, Refused]] = []
        answers = self._sockets.of(netns).talk([todo.message for _, todo in steps])
        for (op, todo), answer in zip(steps, answers, strict=True):
            if not isinstance(answer, Refused):
                self._made.append(op)
            elif message := todo.instead.get(answer.code):
                again.append((op, message))
            elif not todo.settled(answer):
                wrong.append((op, todo, answer))
        return again, wrong

    def _replace(self, netns: Netns, again: Sequence[tuple[Setting, Message]]) -> None:
        """Replace what was there before us; it is not taken back."""
        answers = self._sockets.of(netns).talk([message for _, message in again])
        for (op, _), answer in zip(again, answers, strict=True):
            if isinstance(answer, Refused):
                raise refusal(op, answer)

    def _wake_ipv6(self, op: Setting, refused: Refused) -> bool:
        """Switch IPv6 on where a container's runtime left it off."""
        if refused.code != errno.EACCES or not isinstance(op, AddAddress | AddRoute):
            return False
        try:
            with standing_in(op.netns):
                Path(f"/proc/sys/net/ipv6/conf/{op.name}/disable_ipv6").write_text("0")
        except OSError:
            return False
        return True

    def _learn(self, netns: Netns, wanted: set[tuple[Netns, str]]) -> None:
        """Find the indices of interfaces not met in this run; NotFound when one is not there."""
        unknown = [name for _, name in wanted if (netns, name) not in self._index]
        answers = self._sockets.of(netns).talk([encode.get_link(name) for name in unknown])
        for name, answer in zip(unknown, answers, strict=True):
            seen = link.links(answer)
            if not seen:
                raise NotFound(f"there is no interface {name}", fix="it has gone; ask again")
            self._index[netns, name] = seen[0].index

    def find(self, netns: Netns, name: str) -> Link | None:
        """An interface by name, without its addresses; its index is remembered."""
        seen = link.links(self._sockets.of(netns).ask(encode.get_link(name)))
        if not seen:
            return None
        self._index[netns, name] = seen[0].index
        return seen[0]

    # -- removing

    def _bury(self, op: DelLink) -> None:
        """Take the names and the traffic away at once; the rest is the reaper's."""
        doomed: list[LinkEnd] = []
        for end in (op.end, op.peer) if op.peer else (op.end,):
            there = self.find(end.netns, end.name)
            if there and (_unfinished(there) or same_owner(there.alias, end.alias)):
                doom(self._sockets.of(end.netns), there, group=not doomed)
                doomed.append(end)
            elif there:
                log.warning("%s in %r is not ours any more: left alone", end.name, end.netns)
        for end in doomed[:1]:  # the other end of a pair goes with the first
            self._reaper.collect(end.netns)


def _unfinished(there: Link) -> bool:
    """Whether an interface is ours but was never said to be whose: its maker was interrupted."""
    return there.group == OURS and not there.alias
