"""`nsm identity`, and `python -m nsm.components.identity`."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from nsm import program
from nsm.components.identity.config import Config
from nsm.components.identity.program import run


def main(argv: Sequence[str]) -> int:
    """Run the authority until told to stop."""
    return program.start(Config, argv, _live)


async def _live(config: Config, environ: Mapping[str, str]) -> int:
    stopping = asyncio.Event()
    program.listen_to_signals(stopping, config.log_level)
    reporter = program.Reporter(environ.get(program.STATUS_SOCKET), config.name)
    try:
        await run(config, stopping, lambda: reporter.tell(ready=True))
    finally:
        reporter.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
