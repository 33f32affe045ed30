"""What senders found: silence and loss of each vWire in a stretch of time. Pure, but for `read`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .sender import BEGUN, LOST, NEW, RECORD


@dataclass(frozen=True, slots=True)
class Echo:
    """One echo of one vWire: when it was sent, and its round-trip or what became of it."""

    sent: float
    rtt: float
    number: int

    @property
    def lost(self) -> bool:
        return self.rtt == LOST


@dataclass(frozen=True, slots=True)
class Seen:
    """What a stretch of time did to a vWire.

    `silence`: the longest, in seconds, from the first echo lost to the next that came back. `since`
    and `until`: when silence began and ended first and last; `until` is None while it lasts.
    """

    sent: int = 0
    lost: int = 0
    silence: float = 0.0
    since: float | None = None
    until: float | None = None
    remade: int = 0
    """How often its interface was made anew."""
    begun: int = 0
    """How often whoever sends was started."""


class Echoes:
    """The file of one sender, read as it grows."""

    def __init__(self, file: Path, wires: Sequence[str]) -> None:
        self.file = file
        self.wires = tuple(wires)
        self.read_to = 0
        self.known: dict[str, list[Echo]] = defaultdict(list)

    def read(self) -> None:
        """Take in what is new."""
        if not self.file.exists():
            return
        with self.file.open("rb") as opened:
            opened.seek(self.read_to)
            data = opened.read()
        whole = len(data) - len(data) % RECORD.size
        self.read_to += whole
        for sent, rtt, number, wire in RECORD.iter_unpack(data[:whole]):
            for name in self.wires if rtt == BEGUN else (self.wires[wire],):
                self.known[name].append(Echo(sent, rtt, number))

    def seen(self, wire: str, since: float, until: float) -> Seen:
        """What came of the echoes sent in between."""
        return judge(one for one in self.known[wire] if since <= one.sent < until)

    def answered_after(self, wire: str, when: float) -> bool:
        """Whether one that was sent later has come back."""
        last = next((one for one in reversed(self.known[wire]) if one.rtt >= 0), None)
        return last is not None and last.sent > when

    def forget(self, before: float) -> None:
        """Keep no more than is still asked for."""
        for name, echoes in self.known.items():
            self.known[name] = [one for one in echoes if one.sent >= before]


def judge(echoes: Iterable[Echo]) -> Seen:
    """Silence and loss, in the order they were sent: a loss is only known after its time."""
    ordered = sorted(echoes, key=lambda one: one.sent)
    sent = [one for one in ordered if one.rtt >= LOST]
    longest, first, last = 0.0, None, None
    began: float | None = None
    for one in sent:
        if one.lost and began is None:
            began = one.sent
            first = began if first is None else first
        elif not one.lost and began is not None:
            longest, last, began = max(longest, one.sent - began), one.sent, None
    if began is not None:
        longest, last = max(longest, sent[-1].sent - began), None
    return Seen(
        sent=len(sent),
        lost=sum(one.lost for one in sent),
        silence=round(longest, 4),
        since=first,
        until=last,
        remade=sum(one.rtt == NEW and one.number != 0 for one in ordered),
        begun=sum(one.rtt == BEGUN for one in ordered),
    )
