"""`python -m tests.soak [--minutes M] [--seed N] [--json FILE]`: all comes and goes, nothing grows.

Exit code 0: everything is flat, and nothing is left over; 1: it is said what is not.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.chaos.drawing import draw

from .churn import churn
from .run import Soaked, soak

SEED = 136
"""Two nodes, a service with several endpoints, one alone, a chain."""


def main(words: Sequence[str]) -> int:
    """Soak one world."""
    read = argparse.ArgumentParser(prog="make soak", description=__doc__)
    read.add_argument("--minutes", type=float, default=10.0, help="how long things come and go")
    read.add_argument("--seed", type=int, default=SEED, help="which world")
    read.add_argument("--json", type=Path, help="every look, in a file")
    asked = read.parse_args(words)
    if os.geteuid():
        print("soak brings up a mesh: run it as root", file=sys.stderr)
        return 2
    drawn = draw(asked.seed)
    soaked = soak(drawn, asked.minutes, churn(drawn), lambda line: print(line, flush=True))
    if asked.json:
        asked.json.write_text(json.dumps(written(soaked)) + "\n")
    if soaked.looks:
        print(*soaked.table(), sep="\n")
    print(*(f"BROKEN {one}" for one in soaked.wrong), sep="\n", end="")
    print("everything is flat, and nothing is left over" if not soaked.wrong else "")
    return 1 if soaked.wrong else 0


def written(soaked: Soaked) -> dict[str, object]:
    """For programs."""
    return {
        "turns": soaked.turns,
        "courses": [asdict(one) for one in soaked.courses],
        "looks": [{f"{who} {kind}": n for (who, kind), n in look.items()} for look in soaked.looks],
        "wrong": soaked.wrong,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the mesh goes as well
    sys.exit(main(sys.argv[1:]))
