"""`python -m nsm.world FILE NAME BASE BEGAN LEASH`: the supervisor of a mesh, begun by `nsm up`.

BEGAN is when, on the monotonic clock, someone wanted the mesh. LEASH is the descriptor of a socket
held by whoever did. Progress is told there, one JSON line each; when it closes without a word
`keep`, everything is taken down again.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nsm.errors import NsmError
from nsm.sdk import Clock
from nsm.world.answering import Answering
from nsm.world.control import told
from nsm.world.forkserver import Zygote
from nsm.world.ground import Home
from nsm.world.planning import plan
from nsm.world.spec_read import load
from nsm.world.supervisor import Supervisor
from nsm.world.zygote import split

log = logging.getLogger("nsm.world")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM", "USER", "PYTHONPATH", "VIRTUAL_ENV")
"""What programs inherit of the environment `nsm up` was called in."""
KEEP = b"keep\n"
PAUSE = 0.05
"""Seconds between two stories of the status, at least."""


class Leash:
    """The socket of whoever started us: hears how it goes, and holds us until it says `keep`.

    Not a stream of asyncio's: that one ends when a write fails, and with it goes what was said
    before and is still to be read.
    """

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self.channel = channel
        self.turn = asyncio.Lock()

    async def hold(self, supervisor: Supervisor) -> None:
        """Return when it is let go of, for better or for worse."""
        loop = asyncio.get_running_loop()
        telling = supervisor.tasks.start("progress", self._tell(supervisor))
        heard = b""
        with suppress(ConnectionError):
            while said := await loop.sock_recv(self.channel, len(KEEP)):
                heard = (heard + said)[: len(KEEP)]
        telling.cancel()
        if heard != KEEP:
            supervisor.over.set()

    async def _tell(self, supervisor: Supervisor) -> None:
        """Each step once, and the status whenever it may have changed."""
        said = 0
        watcher = asyncio.Event()
        supervisor.watchers.add(watcher)
        while True:
            watcher.clear()
            steps, said = supervisor.steps[said:], len(supervisor.steps)
            for step in steps:
                await self.say(step)
            await self.say({"status": supervisor.status()})
            await supervisor.clock.sleep(PAUSE)
            await watcher.wait()

    async def say(self, news: dict[str, object]) -> None:
        """Tell one thing; nobody there to hear is no failure."""
        line = json.dumps(news).encode() + b"\n"
        async with self.turn:
            with suppress(ConnectionError):
                await asyncio.get_running_loop().sock_sendall(self.channel, line)


async def live(file: Path, home: Home, leash: Leash, zygote: Zygote, began: float) -> int:
    """Bring a mesh up, keep it up until told otherwise, and take it down."""
    environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}  # noqa: TID251
    drawn = plan(load(file), home, file.parent, environ)
    supervisor = Supervisor(drawn, home, Clock(), zygote)
    supervisor.began = began
    supervisor.step("every program imported once")
    answering = Answering(supervisor)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.over.set)
    await answering.start()
    supervisor.tasks.start("leash", leash.hold(supervisor))
    failure = None
    try:
        await supervisor.start()
    except (NsmError, OSError) as error:
        log.exception("could not bring %s up", home.mesh)
        failure = error if isinstance(error, NsmError) else NsmError(str(error))
    if failure is not None:
        await leash.say({"error": told(failure)})
    else:
        await supervisor.over.wait()
    answering.close()
    await supervisor.stop()
    return 1 if failure else 0


def main(argv: Sequence[str]) -> int:
    """Run the supervisor."""
    file, name, base, began, leash = argv
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(message)s", level="INFO")
    zygote = split(int(leash))
    with socket.socket(fileno=int(leash)) as channel:
        home = Home(name, Path(base))
        return asyncio.run(live(Path(file), home, Leash(channel), zygote, float(began)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
