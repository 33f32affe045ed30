"""The client at work: one vWire for each NS-URL, kept until told to stop."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nsm.api.connection import DOWN, RESELECT_REQUESTED, Connection, Request, Segment
from nsm.api.mechanism import LOCAL, NAME, Mechanism
from nsm.api.monitoring import Selector
from nsm.api.names import NsUrl
from nsm.components.client.config import Config
from nsm.components.client.elsewhere import Elsewhere
from nsm.components.client.memory import Memory
from nsm.components.client.news import News
from nsm.components.client.recipe import Parts, requester
from nsm.components.client.report import ReportConnections, Wire
from nsm.components.client.standing import looked_at
from nsm.elements.context import RememberPrefixes
from nsm.elements.lifecycle import Liveness
from nsm.elements.liveness import CheckLiveness
from nsm.errors import Invalid, NsmError
from nsm.nouns import replace
from nsm.program import Program, place
from nsm.sdk import END, Call, Handler

log = logging.getLogger(__name__)

GOODBYE = 5.0
"""Seconds all vWires together may take to close at the end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One NS-URL, and the request it amounts to."""

    wire: Wire
    url: NsUrl

    def request(self, stood: Connection | None) -> Request:
        """Ask for it; where the manager still knows it from before, go on with that (W §3.11).

        What was another wish, when we were started with other settings, makes way for this one.
        """
        fresh = Connection(
            id=self.wire.id, network_service=self.url.service, labels=self.url.labels
        )
        parameters = {NAME: self.url.interface} if self.url.interface else {}
        offer = Mechanism(LOCAL, self.url.mechanism, parameters)
        if stood is None:
            return Request(fresh, (offer,))
        if self.is_met_by(stood) and stood.state != DOWN:
            return Request(continued(stood, self.wire.id), (offer,))
        instead = replace(fresh, path=replace(stood.hops, index=0), state=RESELECT_REQUESTED)
        return Request(instead, (offer,))

    def is_met_by(self, stood: Connection) -> bool:
        """Whether that is what is wished for."""
        kind = stood.mechanism.type if stood.mechanism else self.url.mechanism
        return (stood.network_service, kind) == (self.url.service, self.url.mechanism)


def continued(stood: Connection, id: str) -> Connection:
    """Our own view of a connection the manager still has."""
    return replace(stood, id=id, path=replace(stood.hops, index=0))


class Looks(Protocol):
    """What can be seen of a vWire from its near end; `CheckLiveness` in a real kernel."""

    async def __call__(self, conn: Connection) -> bool:
        """Whether it carries."""
        ...

    async def was_moved(self, conn: Connection) -> bool:
        """Whether its interface has none of its addresses: it leads where we have not heard."""
        ...


async def work(config: Config, program: Program) -> None:
    """Keep what is wished for, looking by ping whether it carries."""
    within = config.liveness_check_timeout.total_seconds()
    await keep(config, program, CheckLiveness(here, within))


async def make(config: Config, program: Program) -> None:
    """Ask for what is wished for and, once all of it carries, end without closing any.

    Who comes next under the same name goes on with it, within what is left of its tokens' time.
    """
    within = config.liveness_check_timeout.total_seconds()
    await keep(config, program, CheckLiveness(here, within), stays=False)
    program.stopping.set()


async def keep(config: Config, program: Program, looks: Looks, *, stays: bool = True) -> None:
    """Ask for everything at once; say what becomes of it; close it all at the end.

    Who does not stay leaves it to the next, unless not all of it was given: then it is closed.
    """
    wanted = wants(config)
    tasks, needs = program.tasks, program.needs(config.dial_timeout)
    report = ReportConnections(
        {want.wire.id: want.wire for want in wanted},
        lambda story: program.report(connection=story),
        program.clock,
    )
    program.holdings.wanted.by(lambda: [want.wire.id for want in wanted])
    alive = liveness(config, program, looks)
    parts = Parts(
        report=report,
        place=place(program.environ),
        groups=RememberPrefixes(config.awareness_groups),
        liveness=alive,
        authorize=program.next_hop(),
        memory=Memory(config.state_dir),
    )
    asking = requester(config, needs, parts).bind(END)
    stood = await from_before(config, program, wanted, parts)
    given: set[str] = set()
    connecting = [
        tasks.start(f"connect {w.wire.id}", connect(asking, w, stood.get(w.wire.id), given))
        for w in wanted
    ]

    async def close() -> None:
        if not stays and len(given) == len(wanted):
            return  # it is another's now
        report.closing = True
        half_asked = any(not task.done() for task in connecting)
        await tasks.stop()  # what asks or heals now would stand in the way, or come after us
        await close_all(asking, wanted)
        if half_asked:
            await forsake(config, program, wanted)

    program.at_exit(close)
    await asyncio.wait(connecting)
    if not stays and len(given) < len(wanted):
        raise Invalid("not everything can be had", fix="see above what, and why")
    program.ready()


async def connect(asking: Handler, want: Wanted, stood: Connection | None, given: set[str]) -> None:
    """Ask until it is `given`; what can never be is said once."""
    try:
        await asking.request(Call(), want.request(stood))
    except Invalid as error:
        log.error("%s cannot be had: %s", want.wire.url, error)
    else:
        given.add(want.wire.id)


async def close_all(asking: Handler, wanted: list[Wanted]) -> None:
    """Close side by side, within a bound: what is left expires."""
    try:
        async with asyncio.timeout(GOODBYE):
            await asyncio.gather(
                *(asking.close(Call(), goodbye(want)) for want in wanted), return_exceptions=True
            )
    except TimeoutError:
        log.warning("not everything could be closed within %.0f s", GOODBYE)


async def forsake(config: Config, program: Program, wanted: list[Wanted]) -> None:
    """Close what the manager has given though we no longer waited for its answer."""
    left = await what_stood(config, program, wanted)
    if left:
        channel = await program.dialer.dial(config.connect_to, GOODBYE)
        closing = (channel.connections.close(Call(), continued(c, i)) for i, c in left.items())
        await asyncio.gather(*closing, return_exceptions=True)


def goodbye(want: Wanted) -> Connection:
    """Enough of a connection to name it; what is closed is what was last answered."""
    return Connection(id=want.wire.id)


async def from_before(
    config: Config, program: Program, wanted: list[Wanted], parts: Parts
) -> dict[str, Connection]:
    """What an earlier client of our name made, as far as it or the manager knows."""
    kept = await parts.memory.recall(want.wire.id for want in wanted)
    known = await what_stood(config, program, wanted)
    return await looked_at({**kept, **known}, config.netns, parts.liveness)


async def what_stood(
    config: Config, program: Program, wanted: list[Wanted]
) -> dict[str, Connection]:
    """Connections of ours that the manager has from before we were restarted."""
    ids = {want.wire.id for want in wanted}
    selector = Selector((Segment(name=config.name),))
    try:
        async with asyncio.timeout(config.dial_timeout.total_seconds()):
            channel = await program.dialer.dial(config.connect_to)
            async for event in channel.monitor.watch(Call(), selector):
                return {
                    conn.hops.segments[0].id: conn
                    for conn in event.connections.values()
                    if conn.hops.index == 1 and conn.hops.segments[0].id in ids
                }
    except (NsmError, TimeoutError) as error:
        log.info("starting afresh: %s", error)
    return {}


def wants(config: Config) -> list[Wanted]:
    """One for each NS-URL, numbered as upstream numbers them."""
    return [
        Wanted(Wire(f"{config.name}-{number}", wish.text, wish.url.service), wish.url)
        for number, wish in enumerate(config.network_services)
    ]


def liveness(config: Config, program: Program, looks: Looks) -> Liveness | None:
    """The check that packets pass, if it is wanted."""
    if not config.liveness_check_enabled:
        return None
    elsewhere = Elsewhere(program.dialer, config.connect_to, program.clock)
    news = News(program.dialer, config.connect_to, program.clock, program.tasks)
    within = config.liveness_check_timeout.total_seconds()
    every = config.liveness_check_interval.total_seconds()
    return Liveness(looks, every, within, elsewhere, news, looks.was_moved)


async def here(make: Callable[[], socket.socket]) -> socket.socket:
    """Make a socket in the namespace this program runs in."""
    return make()
