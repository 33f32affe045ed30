"""What a workload feels while something is done to its mesh: echoes through its vWires."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import sender
from tests.chaos.echoes import Echoes, Seen

from .lab import Mesh, eventually

SPACING = 0.002
LATE = sender.PATIENCE + 0.3
"""Seconds after which it is known what became of an echo."""
TENFOLD = 10
"""How much longer than its goal a thing may take on a busy machine."""


@dataclass
class Feeling:
    """The sender of one workload, and what came of its echoes.

    A workload that `run`s these words is one that feels.
    """

    file: Path
    wires: Sequence[str]
    echoes: Echoes = field(init=False)

    def __post_init__(self) -> None:
        self.echoes = Echoes(self.file, self.wires)

    @property
    def words(self) -> list[str]:
        """For `run:` of a world file."""
        script = sender.__file__ or ""
        return [sys.executable, "-I", "-S", script, str(self.file), str(SPACING), *self.wires]

    def answered(self, *wires: str, within: float = 20.0) -> float:
        """Wait until echoes that are sent from now on come back; the seconds it took."""
        since = time.monotonic()

        def back() -> bool:
            self.echoes.read()
            return all(self.echoes.answered_after(wire, since) for wire in wires or self.wires)

        return eventually(back, within)

    @contextmanager
    def during(self, *, least: float = 0.0) -> Iterator[dict[str, Seen]]:
        """What was felt while the block ran, by wire; known when it has ended.

        It lasts for `least` seconds, and until all is answered again.
        """
        self.answered()
        seen: dict[str, Seen] = {}
        since = time.monotonic()
        yield seen
        eventually(lambda: time.monotonic() > since + least, least + 1)
        self.answered()
        until = time.monotonic()
        eventually(lambda: time.monotonic() > until + LATE)
        self.echoes.read()
        seen.update({wire: self.echoes.seen(wire, since, until) for wire in self.wires})


def unharmed(seen: Seen) -> bool:
    """Whether not a packet was lost, and the interface is the one that it was."""
    return seen.sent > 0 and (seen.lost, seen.remade) == (0, 0)


def stands(mesh: Mesh, who: str, *wires: str) -> list[tuple[str, str]]:
    """What the kernel has of somebody's vWires: index and addresses, as it says it itself."""
    return [
        (
            mesh.exec(who, "cat", f"/sys/class/net/{wire}/ifindex").out,
            mesh.exec(who, "ip", "-o", "address", "show", "dev", wire).out,
        )
        for wire in wires
    ]
