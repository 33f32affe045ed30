"""`python -m tests.sim.mutations [NAME…]`: within how many seeds is each fault noticed, and how?

Exit code 0: all were; 1: some were not, and it is said which.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import as_completed

from nsm.sim.workers import tidy, workers

from .hunt import Hunted, hunt
from .known import ALL


def main(words: Sequence[str]) -> int:
    """Hunt those that are named, or all."""
    read = argparse.ArgumentParser(prog="make mutations", description=__doc__)
    read.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    read.add_argument("-j", "--jobs", type=int, default=2)
    read.add_argument("--within", type=int, default=500, help="seeds tried for each")
    asked = read.parse_args(words)
    if unknown := set(asked.names) - set(ALL):
        read.error(f"there is no {', '.join(sorted(unknown))}")
    missed = 0
    with tidy(), workers(asked.jobs) as pool:
        hunts = [pool.submit(hunt, name, asked.within) for name in asked.names or ALL]
        for done in as_completed(hunts):
            hunted = done.result()
            missed += not hunted.noticed
            print(_line(hunted), flush=True)
    return 1 if missed else 0


def _line(hunted: Hunted) -> str:
    if not hunted.noticed:
        return f"{hunted.name:<38} not noticed in {hunted.seeds} seeds"
    return f"{hunted.name:<38} seed {hunted.seeds - 1:>3}: {hunted.problem}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
