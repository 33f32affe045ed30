"""From a command line and an environment to a program at work, and to its orderly end."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from nsm.config import ConfigError, unknown, usage
from nsm.errors import NsmError
from nsm.identity.source import Source
from nsm.program.reporting import STATUS_SOCKET
from nsm.program.running import Program, unless
from nsm.program.settings import ALONE, C, Settings, settled, start_logging
from nsm.rpc import Pool
from nsm.sdk import Tasks
from nsm.workload.client import follow

log = logging.getLogger("nsm")

INVENTORY = "NSM_INVENTORY_SOCKET"
OTHERS = (STATUS_SOCKET, INVENTORY, "NSM_MESH", "NSM_WORLD")
"""Variables that are not of one program's settings."""
SELDOM = (5_000, 10, 10)
"""Objects made, less those gone, between two looks for garbage that holds itself, and how many
looks at the young there are to one at the older: we make little of it, and hold much for long. But
what a lost connection leaves may hold itself: more seldom than so, it adds up to tens of MB."""
ENDING = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
Work = Callable[[C, "Program"], Awaitable[None]]
Alive = Callable[[C, Mapping[str, str]], Coroutine[Any, Any, int]]


def main(kind: type[C], work: Work[C], argv: Sequence[str]) -> int:
    """Read settings, run `work` until told to stop; the exit code says how it went."""
    return start(kind, argv, lambda config, environ: live(config, work, environ))


def start(
    kind: type[C], argv: Sequence[str], alive: Alive[C], held: Mapping[str, type[Settings]] = ALONE
) -> int:
    """The same for a program that takes no identity, as the one that gives them.

    `held` are the settings, by section, of programs that this one holds.
    """
    environ = dict(os.environ)  # noqa: TID251 -- the one place programs read it
    if "--help" in argv or "-h" in argv:
        sys.stdout.write(usage(kind) + "\n")
        return 0
    try:
        config = settled(kind, environ, held)
        start_logging(config.log_level)
        for variable in unknown(kind, environ, OTHERS, held):
            log.warning("%s is set, and no setting of this program", variable)
        gc.freeze()  # what was imported stays
        gc.set_threshold(*SELDOM)
        return asyncio.run(_to_its_end(alive(config, environ)))
    except ConfigError as error:
        sys.stderr.write(f"settings: {error}\n")
        return 2
    except NsmError as error:
        log.error("%s", error)
        return 1


async def _to_its_end(life: Coroutine[Any, Any, int]) -> int:
    """Whoever tells us to stop once more while we do changes nothing: no loop listens then."""
    try:
        return await life
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


async def live(config: C, work: Work[C], environ: Mapping[str, str]) -> int:
    """Take an identity, work until told to stop, and leave nothing behind."""
    tasks, stopping = Tasks(), asyncio.Event()
    listen_to_signals(stopping, config.log_level)
    try:
        socket, lifetime = config.spiffe_endpoint_socket, config.max_token_lifetime
        identity = await unless(stopping, follow(socket, tasks, lifetime=lifetime))
        if identity is not None:
            await employ(config, work, standing(config, environ, identity, tasks, stopping))
    finally:
        await tasks.stop()
    return 0


async def employ(config: C, work: Work[C], program: Program) -> None:
    """Let `work` begin, wait until told to stop, undo what was begun."""
    try:
        if where := program.environ.get(INVENTORY):
            from nsm.program import inventory  # a client that is not asked starts faster without

            await inventory.serve(program, where)
        await unless(program.stopping, work(config, program))
        await program.stopping.wait()
    finally:
        await program.end()


def standing(
    config: Settings,
    environ: Mapping[str, str],
    identity: Source,
    tasks: Tasks,
    stopping: asyncio.Event,
) -> Program:
    """A program that has an identity and has not begun to work."""
    pool = Pool(identity, identity)
    program = Program(
        name=config.name,
        environ=environ,
        identity=identity,
        tokens=identity,
        dialer=pool,
        tasks=tasks,
        stopping=stopping,
    )
    program.at_last(pool.close)
    program.holdings.sockets.by(lambda: [len(pool)])
    return program


def listen_to_signals(stopping: asyncio.Event, level: str) -> None:
    """Stop on INT, HUP, TERM, QUIT; USR1 says more, USR2 as much as configured."""
    loop = asyncio.get_running_loop()
    for number in ENDING:
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, start_logging, "TRACE")
    loop.add_signal_handler(signal.SIGUSR2, start_logging, level)
