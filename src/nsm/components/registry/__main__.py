"""`nsm registry`, and `python -m nsm.components.registry`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.registry.config import Config
from nsm.components.registry.program import work


def main(argv: Sequence[str]) -> int:
    """Run the registry until told to stop."""
    return program.main(Config, work, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
