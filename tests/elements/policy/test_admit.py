"""Admit."""

import asyncio
import gc
from dataclasses import dataclass, field, replace

import pytest

from nsm.admission import Admission, Rules
from nsm.admission.reading import read_rules
from nsm.admission.standing import globs
from nsm.api.connection import Connection, Path, Segment
from nsm.api.mechanism import Mechanism
from nsm.elements.policy.admit import Admit
from nsm.elements.policy.vigil import LOOK
from nsm.errors import Denied
from nsm.identity.jwt import Claims, unsigned
from nsm.sdk import Call, Life, Peer, Request, Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime
WEB, DB, GATEWAY, HOP = (f"spiffe://hello/ns/hello/{n}" for n in ("web", "db", "gateway", "hop"))


def rules(*lines: str, default: str = "allow") -> Rules:
    listed = "\n".join(f"- {{{line}}}" for line in lines)
    return read_rules(f"default: {default}\nrules:\n{listed or '  []'}", "r.yaml")


def segment(name: str, sub: str) -> Segment:
    return Segment(name, f"id-{name}", unsigned(Claims(sub)))


def asked(*hands: str, **changes: object) -> Connection:
    """What the hop after all these has before it."""
    hops = [segment(f"hop-{at}", who) for at, who in enumerate(hands or (WEB,))]
    hops.append(segment("manager", "spiffe://hello/m"))
    path = Path(len(hops) - 1, tuple(hops))
    return replace(Connection(id="id-manager", network_service="s", path=path), **changes)


def answer(conn: Connection) -> Connection:
    end = segment("gw", GATEWAY)
    path = replace(conn.hops, segments=(*conn.hops.segments, end, segment("behind", DB)))
    kernel = Mechanism("LOCAL", "KERNEL")
    return replace(conn, path=path, endpoint="gw", payload="IP", mechanism=kernel)


@dataclass
class Building(Recorder):
    """Answers as if everything were built."""

    async def request(self, call: Call, request: Request) -> Connection:
        return answer(await super().request(call, request))


@dataclass
class Desk:
    """An element under rules that can be changed, and the lives of what it lets in."""

    rules: Rules
    written: bool = True
    tasks: Tasks = field(default_factory=Tasks)
    onward: Recorder = field(default_factory=Building)
    closing: list[str] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clock = LoopClock(start=12 * 3600)
        here = Admission(
            rules=lambda: self.rules,
            clock=clock,
            name="manager",
            domain="hello",
            node="node-1",
            hops=globs([HOP]),
            written=self.written,
        )
        self.admit = Admit(here, self.tasks)

    def call(self, who: str = WEB, key: str = "") -> Call:
        life = Life(lambda: None, lambda: self.closing.append(who), lambda _: None)
        return Call(peer=Peer(who)).within(self.lives.setdefault(key or who, life))

    async def ask(self, conn: Connection, who: str = WEB) -> Connection:
        return await self.admit.request(self.call(who), Request(conn), self.onward)


@pytest.fixture
async def desk():
    desk = Desk(rules())
    yield desk
    await desk.tasks.stop()


async def test_who_is_allowed_passes_and_closes(desk: Desk) -> None:
    conn = await desk.ask(asked())
    await desk.admit.close(desk.call(), conn, desk.onward)
    assert desk.onward.verbs == ["request id-manager", "close id-manager"]
    assert not desk.admit.vigil.all


async def test_who_is_not_allowed_reaches_nothing_and_learns_which_rule_says_so(desk: Desk) -> None:
    desk.rules = rules("name: no-web, deny: use, who: '*/web', because: closed today")
    with pytest.raises(Denied, match="rule no-web: closed today") as refused:
        await desk.ask(asked())
    assert (refused.value.hop, desk.onward.heard) == ("manager", [])


async def test_whoever_asks_from_within_is_not_judged(desk: Desk) -> None:
    desk.rules = rules(default="deny")
    await desk.admit.request(Call(), Request(asked()), desk.onward)
    assert desk.onward.verbs == ["request id-manager"]


@pytest.mark.parametrize(
    ("condition", "here"),
    [
        ("who: '*/web'", True),
        ("who: '*/hop'", False),
        ("verified: proven", True),
        ("service: s@hello", True),
        ("node: node-1", True),
        ("labels: {a: b}", True),
        ("endpoint: '*/gateway'", True),
        ("endpoint: '*/db'", False),
        ("payload: IP", True),
        ("mechanism: KERNEL", True),
        ("mechanism: VXLAN", False),
        ("hours: 11:00-13:00", True),
    ],
)
async def test_the_first_hop_knows_all_of_this(desk: Desk, condition: str, here: bool) -> None:
    desk.rules = rules(f"allow: use, {condition}", default="deny")
    try:
        await desk.ask(asked(labels={"a": "b", "nodeName": "a lie"}))
    except Denied:
        assert not here
    else:
        assert here


async def test_further_on_the_meshs_own_programs_say_who_asks(desk: Desk) -> None:
    desk.rules = rules("allow: use, who: '*/web', verified: vouched, node: n-7", default="deny")
    place = {"nodeName": "n-7"}
    assert await desk.ask(asked(WEB, HOP, HOP, labels=place), HOP)
    assert await desk.ask(asked(WEB, HOP, HOP, HOP, HOP, labels=place), HOP)
    for other in (asked(DB, HOP, HOP, labels=place), asked(WEB, HOP, HOP)):
        with pytest.raises(Denied):
            await desk.ask(other, HOP)


@pytest.mark.parametrize(
    "hands", [[WEB], [WEB, DB], [WEB, HOP, DB], [WEB, HOP, HOP, HOP, DB], [WEB, HOP, HOP, DB, DB]]
)
async def test_whoever_else_claims_to_ask_for_another_asks_for_itself(
    desk: Desk, hands: list[str]
) -> None:
    desk.rules = rules("allow: use, who: '*/web'", default="deny")
    with pytest.raises(Denied, match="hello/db may not"):
        await desk.ask(asked(*hands), DB)


async def test_what_turns_out_not_to_be_allowed_is_undone(desk: Desk) -> None:
    desk.rules = rules("name: no-ip, deny: use, payload: IP")
    with pytest.raises(Denied, match="no-ip"):
        await desk.ask(asked())
    assert desk.onward.verbs == ["request id-manager", "close id-manager"]
    assert desk.closing == []


async def test_a_refresh_that_is_refused_ends_what_stands(desk: Desk) -> None:
    await desk.ask(asked())
    for line in ("deny: use", "deny: use, payload: IP"):
        desk.rules = rules(line)
        with pytest.raises(Denied):
            await desk.ask(asked())
    assert desk.closing[:2] == [WEB, WEB]
    assert desk.onward.verbs == ["request id-manager"] * 2


async def test_rules_that_turn_against_what_stands_close_it_within_a_second(desk: Desk) -> None:
    await desk.ask(asked())
    await desk.ask(asked(DB), DB)
    await asyncio.sleep(5)
    assert desk.closing == []
    desk.rules = rules("deny: use, who: '*/web'")
    await asyncio.sleep(LOOK)
    assert desk.closing == [WEB]


async def test_nobody_looks_at_rules_that_nobody_wrote() -> None:
    watched, alone = Desk(rules()), Desk(rules(), written=False)
    for desk in (watched, alone):
        await desk.ask(asked())
    assert (len(watched.tasks), len(alone.tasks)) == (1, 0)
    await watched.tasks.stop()


async def test_hours_that_end_close_what_stands(desk: Desk) -> None:
    desk.rules = rules("allow: use, hours: 08:00-13:00", default="deny")
    await desk.ask(asked())
    await asyncio.sleep(3599)
    assert desk.closing == []
    await asyncio.sleep(1 + LOOK)
    assert desk.closing == [WEB]


async def test_rules_that_changed_while_it_was_built_count(desk: Desk) -> None:
    class Changing(Building):
        async def request(self, call: Call, request: Request) -> Connection:
            desk.rules = rules("name: now, deny: use")
            return await super().request(call, request)

    desk.onward = Changing()
    with pytest.raises(Denied, match="rule now"):
        await desk.ask(asked())
    assert desk.onward.verbs == ["request id-manager", "close id-manager"]


async def test_nothing_is_kept_of_a_life_that_is_over(desk: Desk) -> None:
    await desk.ask(asked())
    assert len(desk.admit.vigil.all) == 1
    desk.lives.clear()
    desk.onward.calls.clear()
    gc.collect()
    assert len(desk.admit.vigil.all) == 0
    await asyncio.sleep(2 * LOOK)
    assert desk.admit.vigil.watching
    assert desk.admit.vigil.watching.done()
    await desk.ask(asked())
    desk.rules = rules("deny: use")
    await asyncio.sleep(2 * LOOK)
    assert desk.closing == [WEB]
