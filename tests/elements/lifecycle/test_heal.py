"""One connection's healing, with a next hop the test plays; whole domains: tests/chains."""

import asyncio
from dataclasses import replace

import pytest
from tests.leaving import ending_tasks

from nsm.api.connection import DOWN, RESELECT_REQUESTED, UP, Connection, Path, Request, Segment
from nsm.api.context import ConnectionContext, IpContext, Route
from nsm.elements.lifecycle import BeginClient, Heal, Liveness
from nsm.elements.lifecycle.heal import anew
from nsm.elements.lifecycle.patience import UNKNOWN
from nsm.errors import Denied, NotFound, Unreachable
from nsm.sdk import Call, Element, Handler, Peer, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.convoy import Convoy
from nsm.sdk.events import Events
from nsm.sdk.testing import Recorder
from nsm.sdk.watching import Watching

pytestmark = pytest.mark.looptime

OURS = Connection("nsc-0", path=Path(0, (Segment("nsc", "nsc-0"),)))
ASKED = ("request", UP)
ANEW = ("request", RESELECT_REQUESTED)
CLOSED = ("close", UP)


def theirs(state: int = UP) -> Connection:
    path = Path(1, (Segment("nsc", "nsc-0"), Segment("nm", "nm-1")))
    return Connection("nm-1", path=path, state=state)


class Manager(Element):
    """The next hop: announces what succeeded."""

    def __init__(self) -> None:
        self.peer = Peer("spiffe://test/nm")
        self.monitor = Events()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        call.life.channel = self
        self.monitor.publish(theirs())
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, conn)
        self.monitor.delete(theirs())


class World:
    def __init__(self, liveness: Liveness | None = None) -> None:
        self.end, self.manager = Recorder(), Manager()
        self.tasks, clock = ending_tasks(), LoopClock()
        self.noticed: list[tuple[str, str]] = []
        heal = Heal(
            Watching("nsc", self.tasks, clock),
            self.tasks,
            Convoy(clock),
            liveness=liveness,
            noticed=lambda *said: self.noticed.append(said),
        )
        links = chain(BeginClient(self.tasks, clock), heal, self.manager)
        self.entry: Handler = links.bind(self.end)

    @property
    def heard(self) -> list[tuple[str, int]]:
        return [(verb, conn.state) for verb, conn in self.end.heard]

    async def connected(self) -> Connection:
        conn = await self.entry.request(Call(), Request(OURS))
        await asyncio.sleep(30)
        return conn


async def test_without_liveness_a_down_selects_anew_at_once() -> None:
    world = World()
    await world.connected()
    assert not world.noticed
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(0.04)
    assert world.heard == [ASKED, CLOSED, ANEW]
    assert world.noticed == [(OURS.id, "the next hop says that it is down")]
    await asyncio.sleep(60)
    assert len(world.heard) == 3


def test_what_an_endpoint_gave_is_not_taken_along_to_another() -> None:
    ip = IpContext(
        src_ip_addrs=("10.0.0.1/32",),
        dst_ip_addrs=("10.0.0.0/32",),
        src_routes=(Route("10.0.0.0/32"),),
        excluded_prefixes=("10.9.0.0/16",),
    )
    given = ConnectionContext(ip_context=ip, extra_context={"ours": "yes"}, mtu=1450)
    asked = anew(replace(OURS, endpoint="nse", context=given))
    assert asked.context == ConnectionContext(
        ip_context=IpContext(excluded_prefixes=("10.9.0.0/16",)), extra_context={"ours": "yes"}
    )
    assert anew(OURS).context is None


async def test_the_loss_of_the_next_hop_selects_anew() -> None:
    world = World()
    await world.connected()
    world.manager.monitor.stop()
    world.manager.monitor = Events()
    await asyncio.sleep(1)
    assert world.heard == [ASKED, CLOSED, ANEW]
    assert [why for _, why in world.noticed] == ["the next hop is gone"]


async def test_while_it_carries_a_down_is_answered_with_the_same_request() -> None:
    async def alive(conn: Connection) -> bool:
        return True

    world = World(Liveness(alive))
    await world.connected()
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(60)
    assert world.heard == [ASKED, ASKED]


def carrying(elsewhere: bool) -> Liveness:
    async def alive(conn: Connection) -> bool:
        return True

    async def served(conn: Connection) -> bool:
        return elsewhere

    return Liveness(alive, elsewhere=served)


async def broken(world: World, hop: str) -> None:
    """The endpoint can't be had again, says somebody on the way."""
    later = (Segment(name, name) for name in ("nm-1", "nm-2", "fwd-2", "nse"))
    path = Path(0, (*OURS.hops.segments, *later))
    ours = replace(OURS, path=path, endpoint="nse")
    conn = await world.entry.request(Call(), Request(ours))
    assert conn.state == UP
    world.end.failing = Unreachable("refused", hop=f"spiffe://test/{hop}")
    world.manager.monitor.publish(theirs(DOWN))


@pytest.mark.parametrize(("hop", "seconds"), [("nm-2", 1.5), ("nm-1", 45)])
async def test_what_carries_is_moved_to_another_endpoint_sooner_if_its_own_is_dead(
    hop: str, seconds: float
) -> None:
    world = World(carrying(elsewhere=True))
    await broken(world, hop)
    await asyncio.sleep(seconds / 3)
    assert all(conn.endpoint == "nse" for _, conn in world.end.heard)
    await asyncio.sleep(seconds * 2 / 3)
    assert world.end.heard[-1][1].endpoint == ""
    assert set(world.heard) == {ASKED}, "nothing is closed before another has answered"


async def test_what_carries_is_not_moved_because_its_manager_was_away_for_long() -> None:
    world = World(carrying(elsewhere=True))
    await broken(world, "")
    world.end.failing = Unreachable("the manager is dead")
    await asyncio.sleep(60)
    world.end.failing = NotFound("endpoint 'nse' is not registered", hop="spiffe://test/nm-1")
    await asyncio.sleep(8)
    world.end.failing = None
    await asyncio.sleep(60)
    assert all(conn.endpoint == "nse" for _, conn in world.end.heard)


async def test_what_carries_is_kept_when_nobody_else_serves() -> None:
    world = World(carrying(elsewhere=False))
    await broken(world, "nm-2")
    await asyncio.sleep(60)
    assert set(world.heard) == {ASKED}


async def test_an_endpoint_nobody_knows_has_time_to_become_known_again() -> None:
    world = World(carrying(elsewhere=True))
    await broken(world, "nm-2")
    world.end.failing = NotFound("endpoint 'nse' is not registered", hop="spiffe://test/nm-1")
    await asyncio.sleep(9)
    assert all(conn.endpoint == "nse" for _, conn in world.end.heard)
    await asyncio.sleep(6)
    assert world.end.heard[-1][1].endpoint == ""
    assert CLOSED not in world.heard


class Wire(World):
    """Carries or not, as the test says; somebody else serves, too, whom a move may help."""

    def __init__(self, *, helps: bool) -> None:
        self.carries, self.helps, self.answers_in = True, helps, 0.001

        async def alive(conn: Connection) -> bool:
            await asyncio.sleep(self.answers_in)
            return self.carries or (self.helps and conn.endpoint == "")

        async def served(conn: Connection) -> bool:
            return True

        async def was_moved(conn: Connection) -> bool:
            return self.was_moved

        self.was_moved = False
        super().__init__(Liveness(alive, elsewhere=served, was_moved=was_moved))

    async def stood(self) -> None:
        await self.entry.request(Call(), Request(replace(OURS, endpoint="nse")))
        await asyncio.sleep(30)


async def test_what_is_gone_is_moved_as_soon_as_it_does_not_answer_quickly() -> None:
    world = Wire(helps=True)
    await world.stood()
    world.carries, world.answers_in = False, 60
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(0.15)
    assert [conn.endpoint for _, conn in world.end.heard] == ["nse", ""]
    assert CLOSED not in world.heard


async def test_a_slow_answer_is_waited_for_where_answers_are_slow() -> None:
    world = Wire(helps=True)
    world.answers_in = 0.08
    await world.stood()
    world.answers_in = 0.4
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(5)
    assert [conn.endpoint for _, conn in world.end.heard] == ["nse", "nse"]


async def test_a_move_that_does_not_help_is_followed_by_a_request_from_nothing() -> None:
    world = Wire(helps=False)
    await world.stood()
    world.carries = False
    await asyncio.sleep(3)
    assert world.heard[:4] == [ASKED, ASKED, CLOSED, ANEW]


@pytest.mark.parametrize("was_moved", [True, False])
async def test_what_was_moved_unheard_is_not_given_up(was_moved: bool) -> None:
    """It carries; only the answer that said where to was lost, and the next may come."""
    world = Wire(helps=True)
    world.was_moved = was_moved
    await world.stood()
    world.carries, world.end.failing = False, Unreachable("no answer")
    await asyncio.sleep(20)
    world.end.failing = None
    await asyncio.sleep(20)
    assert (CLOSED in world.heard) == (not was_moved)
    assert world.end.heard[-1][1].endpoint == ""


async def test_a_move_that_helped_is_followed_by_another_however_soon_that_one_fails() -> None:
    world = Wire(helps=True)
    await world.stood()
    world.carries = False
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(0.05)
    world.helps = False
    await asyncio.sleep(2.5)
    assert world.heard[:5] == [ASKED, ASKED, ASKED, CLOSED, ANEW]


async def test_what_answers_late_but_carries_is_never_closed_while_nobody_can_be_asked() -> None:
    world = Wire(helps=False)
    await world.stood()
    world.answers_in = 0.5
    world.end.failing = Unreachable("the manager is dead", hop="spiffe://test/nsc")
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(60)
    assert set(world.heard) == {ASKED}


async def test_whoever_else_asks_meanwhile_does_not_make_it_bear_with_that_for_longer() -> None:
    world = World(carrying(elsewhere=True))
    await broken(world, "nm-2")
    world.end.failing = NotFound("endpoint 'nse' is not registered", hop="spiffe://test/nm-1")
    asked = world.end.heard[-1][1]
    for _ in range(4):  # such as a refresh that fails, again and again
        with pytest.raises(NotFound):
            await world.entry.request(Call(), Request(asked))
        await asyncio.sleep(UNKNOWN / 2)
    assert world.end.heard[-1][1].endpoint == ""


async def test_news_of_who_serves_ends_the_pause() -> None:
    async def alive(conn: Connection) -> bool:
        return True

    async def news(conn: Connection) -> None:
        await bell.wait()
        bell.clear()

    bell = asyncio.Event()
    world = World(Liveness(alive, news=news))
    await world.connected()
    world.end.failing = Unreachable("nobody is there")
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(60)
    world.end.failing, tried = None, len(world.heard)
    bell.set()
    await asyncio.sleep(0.01)
    assert len(world.heard) == tried + 1


@pytest.mark.parametrize("way", ["says no", "says nothing", "fails"])
async def test_what_no_longer_carries_is_selected_anew(way: str) -> None:
    carries = True

    async def alive(conn: Connection) -> bool:
        if carries or len(world.heard) > 2:
            return True
        if way == "says nothing":
            await asyncio.sleep(60)
        if way == "fails":
            raise OSError("no such interface")
        return False

    world = World(Liveness(alive, every=0.2, within=0.1))
    await world.connected()
    carries = False
    await asyncio.sleep(0.5)
    assert world.heard == [ASKED, CLOSED, ANEW]
    await asyncio.sleep(60)
    assert len(world.heard) == 3


async def test_tries_become_rare_while_nothing_helps() -> None:
    world = World()
    await world.connected()
    world.end.failing = Unreachable("no")
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(1)
    assert 4 <= world.heard.count(ANEW) <= 8
    assert world.heard.count(CLOSED) == 1
    soon = world.heard.count(ANEW)
    await asyncio.sleep(60)
    assert 60 / 2 <= world.heard.count(ANEW) - soon <= 60 / 1
    world.end.failing = None
    await asyncio.sleep(2)
    done = len(world.heard)
    await asyncio.sleep(60)
    assert len(world.heard) == done


async def test_what_breaks_as_soon_as_it_stands_is_not_asked_for_without_pause() -> None:
    class Moody(Manager):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            conn = await super().request(call, request, next)
            self.monitor.publish(theirs(DOWN))
            return conn

    world = World()
    moody = Moody()
    tasks, clock = ending_tasks(), LoopClock()
    heal = Heal(Watching("nsc", tasks, clock), tasks, Convoy(clock))
    entry = chain(BeginClient(tasks, clock), heal, moody).bind(world.end)
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(60)
    assert world.heard.count(ANEW) <= 70


async def test_a_request_from_outside_does_what_healing_was_about_to_do() -> None:
    world = World()
    conn = await world.connected()
    world.end.failing = Unreachable("no")
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(20)
    world.end.failing = None
    before = len(world.heard)
    await world.entry.request(Call(), Request(conn))
    await asyncio.sleep(60)
    assert len(world.heard) == before + 1
    assert len([t for t in asyncio.all_tasks() if t.get_name().startswith("heal")]) == 0


async def test_a_failed_request_from_outside_does_not_end_the_watch() -> None:
    world = World()
    conn = await world.connected()
    world.end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await world.entry.request(Call(), Request(conn))
    world.end.failing = None
    await asyncio.sleep(60)
    assert world.heard == [ASKED, ASKED]
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(1)
    assert world.heard[2:] == [CLOSED, ANEW]


async def test_what_is_closed_is_left_alone() -> None:
    world = World()
    conn = await world.connected()
    await world.entry.close(Call(), conn)
    world.manager.monitor.publish(theirs(DOWN))
    world.manager.monitor.stop()
    await asyncio.sleep(60)
    assert world.heard == [ASKED, CLOSED]
    assert len(world.tasks) == 0


async def test_closing_ends_a_healing_that_does_not_come_to_an_end() -> None:
    world = World()
    conn = await world.connected()
    world.end.failing = Unreachable("no")
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(20)
    await world.entry.close(Call(), conn)
    await asyncio.sleep(60)
    assert world.heard[-1][0] == "close"
    assert len(world.tasks) == 0


async def test_what_never_stood_is_not_healed() -> None:
    world = World()
    world.end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await world.entry.request(Call(), Request(OURS))
    world.manager.monitor.publish(theirs(DOWN))
    await asyncio.sleep(60)
    assert world.heard == [ASKED]


async def test_who_is_refused_tries_to_heal_twice_a_minute_and_not_more() -> None:
    world = World()
    await world.connected()
    world.end.failing = Denied("a rule says no")
    world.manager.monitor.delete(theirs())
    await asyncio.sleep(29.9)
    assert world.heard == [ASKED, CLOSED, ANEW]
    await asyncio.sleep(60)
    assert world.heard == [ASKED, CLOSED, ANEW, ANEW, ANEW]
    world.end.failing = None
    await asyncio.sleep(34)
    assert world.heard[-1] == ANEW
    count = len(world.heard)
    await asyncio.sleep(300)
    assert len(world.heard) == count
