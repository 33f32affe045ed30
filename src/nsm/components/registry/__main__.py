"""`nsm registry [--store FILE]`, and `python -m nsm.components.registry`."""

import sys
from collections.abc import Sequence

from nsm import program
from nsm.components.registry.config import Config
from nsm.components.registry.program import work
from nsm.nouns import replace
from nsm.program import Program

USAGE = "usage: nsm registry [--store FILE]   (FILE as NSM_STORE)"


def main(argv: Sequence[str]) -> int:
    """Run the registry until told to stop."""

    async def stored(config: Config, running: Program) -> None:
        await work(replace(config, store=file or config.store), running)

    match [part for word in argv for part in word.split("=", 1)]:
        case ["--store", file] if file:
            return program.main(Config, stored, ())
        case [] | ["--help" | "-h"]:
            return program.main(Config, work, argv)
    sys.stderr.write(f"{USAGE}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
