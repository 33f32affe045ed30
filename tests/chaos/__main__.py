"""`python -m tests.chaos [--seed N] [--minutes M] [--json FILE]`: real faults on a real mesh.

The seed decides the world and what happens to it: the same seed, the same faults in the same order.
Exit code 0: every promise was kept; 1: one was broken, and it is said which.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import SystemRandom

from .drawing import draw
from .run import run
from .schedule import SHARES, faults


def main(words: Sequence[str]) -> int:
    """Run one seed."""
    read = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    read.add_argument("--seed", type=int, help="which; one is drawn, and said, where none is named")
    read.add_argument("--minutes", type=float, default=2.0, help="how long things go wrong")
    read.add_argument("--json", type=Path, help="the same for programs, in a file")
    read.add_argument("--plan", type=int, metavar="N", help="only say what N faults there would be")
    read.add_argument("--without", default="", help=f"leave these out, of {','.join(SHARES)}")
    asked = read.parse_args(words)
    seed = SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    print(f"seed {seed}, {asked.minutes:g} minutes", flush=True)
    if asked.plan is not None:
        print(*islice(faults(draw(seed)), asked.plan), sep="\n")
        return 0
    if os.geteuid():
        print("chaos brings up a mesh: run it as root", file=sys.stderr)
        return 2
    without = frozenset(asked.without.split(","))
    wanted = (one for one in faults(draw(seed)) if one.kind not in without)
    story = run(seed, asked.minutes, wanted, lambda line: print(line, flush=True))
    if asked.json:
        asked.json.write_text(json.dumps(story.json(), indent=1) + "\n")
    return 1 if story.broken else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the mesh goes as well
    sys.exit(main(sys.argv[1:]))
