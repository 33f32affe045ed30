"""`nsm manager`, and `python -m nsm.components.manager`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.manager.config import Config
from nsm.components.manager.program import work


def main(argv: Sequence[str]) -> int:
    """Run the manager until told to stop."""
    return program.main(Config, work, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
