"""`nsm client`, and `python -m nsm.components.client`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.client.config import Config
from nsm.components.client.program import work


def main(argv: Sequence[str]) -> int:
    """Run the client until told to stop."""
    return program.main(Config, work, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
