"""The command line: one file a command, imported when it is called for."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and end with its exit code."""
    from nsm.cli.root import run

    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))
