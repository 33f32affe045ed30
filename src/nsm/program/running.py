"""What a running program stands on, and how it undoes what it did."""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from nsm.admission import Admission, everyone
from nsm.admission.standing import NODE, anyone, beside, globs
from nsm.chains.needs import Needs
from nsm.elements.policy import Admit, Authorize, AuthorizeClient
from nsm.identity.onlookers import Onlookers, Pattern
from nsm.identity.policies import CLIENT, REGISTRY_CLIENT, REGISTRY_SERVER, SERVER, Policies
from nsm.identity.source import Source
from nsm.identity.spiffe import SpiffeId
from nsm.program.holdings import Holdings
from nsm.program.reporting import STATUS_SOCKET, Reporter
from nsm.program.settings import AdmittingSettings
from nsm.rpc import Server, serve
from nsm.sdk import Clock, Dialer, Element, Handler, Link, Offer, Tasks, Tokens
from nsm.sdk.events import Events

if TYPE_CHECKING:
    from nsm.chains.registry import RegistryNeeds

log = logging.getLogger("nsm")

PATIENCE = 10.0
"""Seconds each undoing at exit may take."""


PLACE = {"nodeName": "NODE_NAME", "podName": "POD_NAME", "clusterName": "CLUSTER_NAME"}

T = TypeVar("T")
Undo = Callable[[], Awaitable[object]]


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
    undo: list[Undo] = field(default_factory=list)
    stood_on: list[Undo] = field(default_factory=list)
    holdings: Holdings = field(default_factory=Holdings)
    when_ready: list[Callable[[], None]] = field(default_factory=list)

    def at_exit(self, undo: Undo) -> None:
        """Undo this when the program ends, before what was registered earlier."""
        self.undo.append(undo)

    def at_last(self, undo: Undo) -> None:
        """Let go of this, on which tasks stand too, when none of them runs any more."""
        self.stood_on.append(undo)

    async def serve(self, offer: Offer, listen_on: Sequence[str]) -> Server:
        """Serve `offer` at these addresses until the program ends."""
        server = await serve(offer, listen_on, self.identity, self.tokens, clock=self.clock)
        self.at_exit(server.close)
        self.holdings.sockets.by(lambda: [len(server), len(server.addresses)])
        log.info("serving at %s", ", ".join(server.addresses))
        return server

    def admission(self, config: AdmittingSettings) -> Admission:
        """Who may do what here, by the files of rules that `config` names, or by default."""
        from nsm.admission.live import LiveRules  # a client starts faster without

        id = self.identity.id
        domain = SpiffeId.parse(id).trust_domain
        ours = everyone(domain)
        files = config.admission_rules
        return Admission(
            rules=LiveRules(files, self.clock) if files else lambda: ours,
            written=bool(files),
            clock=self.clock,
            name=self.name,
            domain=domain,
            node=place(self.environ).get(NODE, ""),
            hops=config.forwarder_ids or globs(beside(id)),
        )

    def needs(
        self,
        dial_timeout: timedelta,
        admission: Admission | None = None,
        admins: Iterable[Pattern] = (),
    ) -> Needs:
        """What this program's connection chains stand on; callers are judged by policy."""
        events = Events(Onlookers(admins))
        self.holdings.connections.by(lambda: [(self.name, conn) for conn in events])
        return Needs(
            name=self.name,
            tokens=self.tokens,
            dialer=self.dialer,
            authorize=Authorize(Policies.select(SERVER), self.clock),
            admit=Admit(admission, self.tasks) if admission else Element(),
            believes=admission.believes if admission else lambda _: True,
            events=events,
            tasks=self.tasks,
            clock=self.clock,
            dial_timeout=dial_timeout.total_seconds(),
        )

    def registry_needs(
        self,
        dial_timeout: timedelta,
        server: Sequence[str] = REGISTRY_SERVER,
        client: Sequence[str] = REGISTRY_CLIENT,
        admission: Admission | None = None,
    ) -> "RegistryNeeds":
        """What this program's registry chains stand on; `server` and `client` are policy masks."""
        from nsm.chains.registry import RegistryNeeds  # a client starts faster without

        return RegistryNeeds(
            tokens=self.tokens,
            dialer=self.dialer,
            server=Policies.select(server),
            client=Policies.select(client),
            admission=admission or anyone(),
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
        self.reporter.tell(**news)

    @cached_property
    def reporter(self) -> Reporter:
        """The way to whoever started us."""
        return Reporter(self.environ.get(STATUS_SOCKET), self.name)

    def ready(self) -> None:
        """Say that the program does its job from here on."""
        log.info("%s is ready as %s", self.name, self.identity.id)
        self.report(ready=True)
        for work in self.when_ready:
            work()

    async def end(self) -> None:
        """Undo everything, newest first; a failure is said and does not stop the rest."""
        await self._take_back(self.undo)
        await self.tasks.stop()
        await self._take_back(self.stood_on)
        self.reporter.close()

    async def _take_back(self, steps: list[Undo]) -> None:
        while steps:
            step = steps.pop()
            try:
                async with asyncio.timeout(PATIENCE):
                    await step()
            except Exception:
                log.warning("while stopping %s", self.name, exc_info=True)


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
    return None if stopping.is_set() and working.cancelled() else working.result()


def place(environ: Mapping[str, str]) -> dict[str, str]:
    """Where this program runs, as labels; what is not known is left out (W §2.1 clientinfo)."""
    said = {label: environ.get(variable, "") for label, variable in PLACE.items()}
    return {label: value for label, value in said.items() if value}
