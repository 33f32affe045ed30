"""The command line: one file a command, imported when it is called for."""

import gc
import sys
from collections.abc import Sequence

SELDOM = (20_000, 20, 50)
"""When to look for garbage: importing makes none, and a fifth of it went into looking."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and end with its exit code."""
    gc.set_threshold(*SELDOM)
    from nsm.cli.root import run

    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))
