"""`nsm forwarder`, and `python -m nsm.components.forwarder`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.forwarder.config import Config
from nsm.components.forwarder.program import work


def main(argv: Sequence[str]) -> int:
    """Run the forwarder until told to stop."""
    return program.main(Config, work, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
