"""Stories are told with a fault in the product, until one shows it."""

import gc
from dataclasses import dataclass
from logging import CRITICAL, disable

from nsm.sim.run import Outcome, run
from nsm.sim.story import told

from .known import ALL


@dataclass(frozen=True)
class Hunted:
    """How many seeds it took, and what showed; nothing: it was not noticed in so many."""

    name: str
    seeds: int
    problem: str = ""

    @property
    def noticed(self) -> bool:
        """Whether something showed."""
        return bool(self.problem)


def hunt(name: str, within: int = 500) -> Hunted:
    """From seed 0 on."""
    for seed in range(within):
        if problems := with_fault(name, seed).problems:
            return Hunted(name, seed + 1, problems[0])
    return Hunted(name, within)


def with_fault(name: str, seed: int) -> Outcome:
    """The story of one seed, with the fault."""
    disable(CRITICAL)
    try:
        with ALL[name].applied():
            return run(told(seed))
    finally:
        disable(0)
        gc.collect()
