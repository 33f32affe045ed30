"""One `apply`, carried out by the worker thread: links and what is set on them, or nothing."""

import errno
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from nsm.dataplane import encode, link
from nsm.dataplane.encode import Message
from nsm.dataplane.links import Links
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
    Op,
    SetLink,
    TakeName,
    ends_of,
    mtu_of,
)
from nsm.dataplane.reaper import Reaper
from nsm.dataplane.sockets import Sockets
from nsm.dataplane.steps import Setting, Step, names, place, refusal, step
from nsm.errors import NotFound, NsmError

log = logging.getLogger(__name__)


class Run:
    """Carries out ops in order, and remembers what it made so as to take it back."""

    def __init__(self, sockets: Sockets, reaper: Reaper) -> None:
        self._sockets = sockets
        self._reaper = reaper
        self._links = Links(sockets, reaper)
        self._made: list[Op] = []

    def carry_out(self, ops: Sequence[Op]) -> list[Op]:
        """Do all and say which of them changed something; on failure take those back and raise."""
        try:
            settings: list[Setting] = []
            for op in ops:
                if isinstance(op, AddVeth | AddVxlan | AddBridge | DelLink | TakeName):
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
                self._links.find(end.netns, end.name)

    def _begin(self, op: Creation | DelLink | TakeName) -> list[Setting]:
        """Create, rename or remove links; what is left to be set on them."""
        if isinstance(op, DelLink):
            self._links.remove(op)
            return []
        if isinstance(op, TakeName):
            self._learn(op.end.netns, {(op.end.netns, op.end.name)})
            self._links.take_name(op)
            self._made.append(op)
            return []
        if self._links.create(op):
            self._made.append(op)
        return [SetLink(e.netns, e.name, mtu_of(op), e.alias, up=True) for e in ends_of(op)]

    def _set(self, settings: Sequence[Setting]) -> None:
        """Carry out settings, those for one namespace in one send."""
        ordered = sorted(settings, key=lambda op: place(op).key)
        for _, group in groupby(ordered, key=lambda op: place(op).key):
            ops = list(group)
            self._learn(place(ops[0]), {n for op in ops for n in names(op)})
            self._send(place(ops[0]), [(op, step(op, self._links.index)) for op in ops])

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
        unknown = [name for _, name in wanted if (netns, name) not in self._links.index]
        answers = self._sockets.of(netns).talk([encode.get_link(name) for name in unknown])
        for name, answer in zip(unknown, answers, strict=True):
            seen = link.links(answer)
            if not seen:
                raise NotFound(f"there is no interface {name}", fix="it has gone; ask again")
            self._links.index[netns, name] = seen[0].index
