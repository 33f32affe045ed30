"""A vWire from before we were started, which can no longer be had as it was."""

import asyncio

import pytest

from nsm.api.connection import RESELECT_REQUESTED, Connection, Path, Segment
from nsm.api.context import ConnectionContext, IpContext
from nsm.components.client.go_on import GoOn
from nsm.elements.lifecycle import Liveness, Retry
from nsm.errors import NotFound, NsmError, Unreachable
from nsm.sdk import Call, Request, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime

HOPS = ("web", "nm-1", "fwd-1", "nm-2", "fwd-2", "nse")
CONTEXT = ConnectionContext(ip_context=IpContext(src_ip_addrs=("10.0.0.1/32",)))
STOOD = Connection(
    "web-0",
    context=CONTEXT,
    path=Path(0, tuple(Segment(name, name) for name in HOPS)),
    endpoint="nse",
)
REFUSED = Unreachable("nobody is there", hop="spiffe://test/fwd-2")
UNKNOWN = NotFound("endpoint 'nse' is not registered", hop="spiffe://test/nm-1")
SILENT = Unreachable("the manager is dead")


class End(Recorder):
    """Knows `nse` no more; what else it is asked for it gives, if anybody serves."""

    def __init__(self, error: NsmError, *, served: bool) -> None:
        super().__init__()
        self.error, self.served = error, served

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        if request.connection.endpoint == "nse" or not self.served:
            raise self.error
        return request.connection


class World:
    def __init__(self, error: NsmError, *, elsewhere: bool, blind: bool = False) -> None:
        self.carries = True

        async def alive(_: Connection) -> bool:
            return self.carries

        async def served(_: Connection) -> bool:
            return elsewhere

        clock = LoopClock()
        self.end = End(error, served=elsewhere)
        liveness = None if blind else Liveness(alive, elsewhere=served)
        self.entry = chain(Retry(clock), GoOn(clock, liveness)).bind(self.end)

    async def asked(self, seconds: float) -> Connection:
        """What was asked for last, once so much time has passed."""
        asking = asyncio.ensure_future(self.entry.request(Call(), Request(STOOD)))
        await asyncio.sleep(seconds)
        asking.cancel()
        return self.end.requests[-1].connection


@pytest.mark.parametrize(("error", "soon", "late"), [(REFUSED, 0.1, 2), (UNKNOWN, 9, 20)])
async def test_what_carries_is_moved_to_whoever_else_serves(
    error: NsmError, soon: float, late: float
) -> None:
    assert await World(error, elsewhere=True).asked(soon) == STOOD
    moved = await World(error, elsewhere=True).asked(late)
    assert (moved.endpoint, moved.state, moved.hops) == ("", STOOD.state, STOOD.hops)
    assert not moved.ip.src_ip_addrs


@pytest.mark.parametrize("error", [REFUSED, UNKNOWN])
async def test_what_carries_is_asked_for_while_nobody_else_serves(error: NsmError) -> None:
    assert await World(error, elsewhere=False).asked(120) == STOOD


async def test_what_carries_waits_for_its_manager_however_long() -> None:
    assert await World(SILENT, elsewhere=True).asked(120) == STOOD


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_what_no_longer_carries_is_selected_anew(*, elsewhere: bool) -> None:
    world = World(UNKNOWN, elsewhere=elsewhere)
    asking = asyncio.ensure_future(world.asked(20))
    await asyncio.sleep(2)
    world.carries = False
    asked = await asking
    assert (asked.endpoint, asked.state) == ("", RESELECT_REQUESTED)


@pytest.mark.parametrize(("seconds", "endpoint"), [(8, "nse"), (20, "")])
async def test_without_a_look_it_is_selected_anew_when_patience_is_over(
    seconds: float, endpoint: str
) -> None:
    assert (await World(UNKNOWN, elsewhere=True, blind=True).asked(seconds)).endpoint == endpoint


async def test_what_nobody_had_before_is_asked_for_as_it_is_wished_for() -> None:
    world = World(UNKNOWN, elsewhere=True)
    await world.entry.request(Call(), Request(Connection("web-0", network_service="icmp")))
    assert world.end.verbs == ["request web-0"]
