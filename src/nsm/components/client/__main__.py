"""`nsm client [--init]`, and `python -m nsm.components.client`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.client.config import Config
from nsm.components.client.program import make, work

USAGE = """usage: nsm client [--init]

  --init   end once all vWires carry, and leave them to the client that comes next by that name
"""


def main(argv: Sequence[str]) -> int:
    """Run the client until told to stop, or until all is made."""
    match argv:
        case ["--init"]:
            return program.main(Config, make, ())
        case [] | ["--help" | "-h"]:
            return program.main(Config, work, argv)
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
