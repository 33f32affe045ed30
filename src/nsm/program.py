"""What every program is run by: settings, logging, signals, identity, and an orderly end.

A program is a coroutine `work(config, program)`, which begins what the program does, says `ready`,
and returns. Told to stop, at whatever point, a program undoes what was registered with `at_exit`,
newest first, each within a bound.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from nsm.chains.needs import Needs
from nsm.chains.registry import RegistryNeeds
from nsm.config import ConfigError, load, setting, unknown, usage
from nsm.elements.policy import Authorize, AuthorizeClient
from nsm.errors import NsmError
from nsm.identity.policies import CLIENT, REGISTRY_CLIENT, REGISTRY_SERVER, SERVER, Policies
from nsm.identity.source import Source
from nsm.rpc import Pool, Server, serve
from nsm.sdk import Clock, Dialer, Handler, Link, Offer, Tasks, Tokens
from nsm.workload.client import follow

log = logging.getLogger("nsm")

PATIENCE = 10.0
"""Seconds each undoing at exit may take."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every program's settings have in common."""

    name: str = setting(meaning="name of this program, unique in its domain")
    log_level: str = setting("INFO", "TRACE, DEBUG, INFO, WARN, ERROR or FATAL")
    max_token_lifetime: timedelta = setting("10m", "how long a token we sign stays good")
    spiffe_endpoint_socket: str = setting(
        "unix:///run/spire/sockets/agent.sock",
        "where the SPIFFE Workload API gives us our identity",
        variable="SPIFFE_ENDPOINT_SOCKET",
    )
    open_telemetry_endpoint: str = setting(
        "otel-collector.observability.svc.cluster.local:4317",
        "accepted for upstream's manifests; nothing is sent there yet",
    )
    metrics_export_interval: timedelta = setting("10s", "as open telemetry endpoint")
    pprof_enabled: bool = setting("false", "accepted; there is no pprof in Python")
    pprof_listen_on: str = setting("localhost:6060", "accepted; there is no pprof in Python")


OTHERS = ("NSM_STATUS_SOCKET", "NSM_MESH", "NSM_WORLD")
"""Variables that are not of one program's settings."""
PLACE = {"nodeName": "NODE_NAME", "podName": "POD_NAME", "clusterName": "CLUSTER_NAME"}

C = TypeVar("C", bound=Settings)
T = TypeVar("T")
Work = Callable[[C, "Program"], Awaitable[None]]
Alive = Callable[[C, Mapping[str, str]], Coroutine[Any, Any, int]]


@dataclass(kw_only=True, eq=False)
class Program:
    """What a running program stands on, and how it is told to stop."""

    name: str
    environ: Mapping[str, str]
    identity: Source
    tokens: Tokens
    dialer: Dialer
    clock: Clock = field(default_factory=Clock)
    tasks: Tasks = field(default_factory=Tasks)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    undo: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    def at_exit(self, undo: Callable[[], Awaitable[object]]) -> None:
        """Undo this when the program ends, before what was registered earlier."""
        self.undo.append(undo)

    async def serve(self, offer: Offer, listen_on: Sequence[str]) -> Server:
        """Serve `offer` at these addresses until the program ends."""
        server = await serve(offer, listen_on, self.identity, self.tokens, clock=self.clock)
        self.at_exit(server.close)
        log.info("serving at %s", ", ".join(server.addresses))
        return server

    def needs(self, dial_timeout: timedelta) -> Needs:
        """What this program's connection chains stand on; callers are judged by policy."""
        return Needs(
            name=self.name,
            tokens=self.tokens,
            dialer=self.dialer,
            authorize=Authorize(Policies.select(SERVER), self.clock),
            tasks=self.tasks,
            clock=self.clock,
            dial_timeout=dial_timeout.total_seconds(),
        )

    def registry_needs(
        self,
        dial_timeout: timedelta,
        server: Sequence[str] = REGISTRY_SERVER,
        client: Sequence[str] = REGISTRY_CLIENT,
    ) -> RegistryNeeds:
        """What this program's registry chains stand on; `server` and `client` are policy masks."""
        return RegistryNeeds(
            tokens=self.tokens,
            dialer=self.dialer,
            server=Policies.select(server),
            client=Policies.select(client),
            tasks=self.tasks,
            clock=self.clock,
            dial_timeout=dial_timeout.total_seconds(),
        )

    def next_hop(self) -> Link[Handler]:
        """What judges the answers of whoever this program asks."""
        return AuthorizeClient(Policies.select(CLIENT), self.clock)

    def own_socket(self) -> str:
        """A socket to serve at, in a folder of our own that goes when the program does."""
        folder = tempfile.TemporaryDirectory(prefix="nsm-", ignore_cleanup_errors=True)

        async def remove() -> None:
            folder.cleanup()

        self.at_exit(remove)
        return f"unix://{folder.name}/listen.on"

    def report(self, **news: object) -> None:
        """Tell whoever started us."""
        report(self.environ, self.name, **news)

    def ready(self) -> None:
        """Say that the program does its job from here on."""
        log.info("%s is ready as %s", self.name, self.identity.id)
        self.report(ready=True)

    async def end(self) -> None:
        """Undo everything, newest first; a failure is said and does not stop the rest."""
        while self.undo:
            step = self.undo.pop()
            try:
                async with asyncio.timeout(PATIENCE):
                    await step()
            except Exception:
                log.warning("while stopping %s", self.name, exc_info=True)
        await self.tasks.stop()


def main(kind: type[C], work: Work[C], argv: Sequence[str]) -> int:
    """Read settings, run `work` until told to stop; the exit code says how it went."""
    return start(kind, argv, lambda config, environ: live(config, work, environ))


def start(kind: type[C], argv: Sequence[str], alive: Alive[C]) -> int:
    """The same for a program that takes no identity, as the one that gives them."""
    environ = dict(os.environ)  # noqa: TID251 -- the one place programs read it
    if "--help" in argv or "-h" in argv:
        sys.stdout.write(usage(kind) + "\n")
        return 0
    try:
        config = load(kind, environ)
    except ConfigError as error:
        sys.stderr.write(f"settings: {error}\n")
        return 2
    start_logging(config.log_level)
    for variable in unknown(kind, environ, OTHERS):
        log.warning("%s is set, and no setting of this program", variable)
    try:
        return asyncio.run(alive(config, environ))
    except NsmError as error:
        log.error("%s", error)
        return 1


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
    program.at_exit(pool.close)
    return program


async def unless(stopping: asyncio.Event, work: Awaitable[T]) -> T | None:
    """What `work` comes to; None if we are told to stop first, which ends it."""
    loop = asyncio.get_running_loop()
    working, told = asyncio.ensure_future(work), loop.create_task(stopping.wait())  # noqa: TID251
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    return None if working.cancelled() else working.result()


def report(environ: Mapping[str, str], name: str, **news: object) -> None:
    """Tell whoever started the program `name` (NSM_STATUS_SOCKET); nobody there is no failure."""
    if where := environ.get("NSM_STATUS_SOCKET"):
        text = json.dumps({"name": name, **news}).encode()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(text, where)


def listen_to_signals(stopping: asyncio.Event, level: str) -> None:
    """Stop on INT, HUP, TERM, QUIT; USR1 says more, USR2 as much as configured."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGUSR1, start_logging, "TRACE")
    loop.add_signal_handler(signal.SIGUSR2, start_logging, level)


def start_logging(level: str) -> None:
    """Log to standard error, one line an event; levels are upstream's names."""
    names = {"TRACE": "DEBUG", "PANIC": "CRITICAL", "FATAL": "CRITICAL"}
    logging.basicConfig(
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger().setLevel("WARNING")
    logging.getLogger("nsm").setLevel(names.get(level.upper(), level.upper()))


def place(environ: Mapping[str, str]) -> dict[str, str]:
    """Where this program runs, as labels; what is not known is left out (W §2.1 clientinfo)."""
    said = {label: environ.get(variable, "") for label, variable in PLACE.items()}
    return {label: value for label, value in said.items() if value}
