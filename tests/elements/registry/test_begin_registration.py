"""Give every record a life of its own, lived one event at a time."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsm.api.registration import Endpoint, NetworkService, R
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import BeginRegistration
from nsm.errors import Denied, Invalid, Unreachable
from nsm.sdk import Call, Life, Peer, Registry, RegistryElement, Tasks, Token, registry_chain
from nsm.sdk.call import TokenPath
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint(name="e", url="u")


class Grab(RegistryElement[R]):
    """Keep hold of the lives that pass."""

    def __init__(self) -> None:
        self.lives: list[Life] = []

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        self.lives.append(call.life)
        return await next.register(call, record)


class Begun:
    """A chain with a life to grab and an end that writes down what it hears."""

    def __init__(self, clock: LoopClock, tasks: Tasks) -> None:
        self.begin = BeginRegistration[Endpoint](tasks, clock)
        self.grab, self.end = Grab[Endpoint](), RecordingRegistry[Endpoint]()
        self.registry = registry_chain(self.begin, self.grab).bind(self.end)

    @property
    def life(self) -> Life:
        return self.grab.lives[-1]


@pytest.fixture
def begun(clock: LoopClock, tasks: Tasks) -> Begun:
    return Begun(clock, tasks)


async def test_a_registration_without_a_name_is_refused(begun: Begun) -> None:
    with pytest.raises(Invalid):
        await begun.registry.register(Call(), Endpoint())
    with pytest.raises(Invalid):
        await begun.registry.unregister(Call(), Endpoint())


async def test_one_name_lives_one_life_until_it_is_unregistered(begun: Begun) -> None:
    for _ in range(2):
        await begun.registry.register(Call(), NSE)
    assert begun.grab.lives[0] is begun.grab.lives[1]
    await begun.registry.unregister(Call(), NSE)
    assert not len(begun.begin.lifetimes)
    await begun.registry.register(Call(), NSE)
    assert begun.grab.lives[2] is not begun.grab.lives[0]


async def test_what_is_refused_at_first_leaves_no_life(begun: Begun) -> None:
    begun.end.failing = [Denied("no")]
    with pytest.raises(Denied):
        await begun.registry.register(Call(), NSE)
    assert not len(begun.begin.lifetimes)
    assert not len(begun.begin.lifetimes.lanes)


async def test_a_failed_refresh_keeps_the_life(begun: Begun) -> None:
    await begun.registry.register(Call(), NSE)
    begun.end.failing = [Unreachable("no")]
    with pytest.raises(Unreachable):
        await begun.registry.register(Call(), NSE)
    assert len(begun.begin.lifetimes) == 1


async def test_what_is_unregistered_is_what_was_answered(begun: Begun) -> None:
    begun.end.change = lambda _: Endpoint(name="other", url="changed", expiration_time=Timestamp(9))
    await begun.registry.register(Call(), NSE)
    await begun.registry.unregister(Call(), NSE)
    assert begun.end.heard[-1] == ("unregister", Endpoint(name="e", url="changed"))


async def test_a_name_that_is_not_known_is_passed_on_as_it_came(begun: Begun) -> None:
    await begun.registry.unregister(Call(), NSE)
    assert begun.end.heard == [("unregister", NSE)]
    assert not len(begun.begin.lifetimes)


async def test_inside_another_life_everything_passes_through(begun: Begun) -> None:
    inner = BeginRegistration[Endpoint](begun.begin.lifetimes.tasks, LoopClock())
    registry = registry_chain(begun.begin, inner, begun.grab).bind(begun.end)
    await registry.register(Call(), NSE)
    await registry.unregister(Call(), NSE)
    assert begun.end.verbs == ["register e", "unregister e"]
    assert not len(inner.lifetimes)


async def test_a_fired_refresh_says_again_what_was_answered_with_what_came(
    begun: Begun, clock: LoopClock, settle
) -> None:
    begun.end.change = lambda nse: Endpoint(
        name=nse.name, url="answered", expiration_time=Timestamp(9), path_ids=("a",)
    )
    path = TokenPath(1, ["a", "b"])
    peer, token = Peer("spiffe://x/nse"), Token("t", Timestamp(9))
    call = Call(peer=peer, token=token, deadline=clock.ticks() + 15, tokens=path)
    await begun.registry.register(call, NSE)
    path.tokens.append("what the answer added")
    path.index = 0
    await clock.sleep(100)
    begun.life.refresh_soon()
    await settle()
    again = begun.end.calls[-1]
    assert begun.end.heard[-1] == (
        "register",
        Endpoint(name="e", url="answered", path_ids=("a",)),
    )
    assert (again.peer, again.token, again.life) == (peer, token, begun.life)
    assert again.deadline == pytest.approx(115)
    assert again.tokens == TokenPath(1, ["a", "b"])
    assert again.tokens is not path


async def test_a_fired_close_says_what_was_answered_with_the_callers_values(
    begun: Begun, clock: LoopClock, settle
) -> None:
    call = Call(peer=Peer("spiffe://x/nse"), deadline=clock.ticks() + 15)
    await begun.registry.register(call, NSE)
    await clock.sleep(100)
    begun.life.close_soon()
    await settle()
    assert begun.end.verbs == ["register e", "unregister e"]
    assert begun.end.calls[-1].peer == call.peer
    assert begun.end.calls[-1].deadline == pytest.approx(115)
    assert not len(begun.begin.lifetimes)


async def test_a_fired_close_that_fails_forgets_all_the_same(begun: Begun, settle) -> None:
    await begun.registry.register(Call(), NSE)
    begun.end.failing = [Denied("no")]
    begun.life.close_soon()
    await settle()
    assert not len(begun.begin.lifetimes)


async def test_what_is_fired_too_late_for_its_life_does_nothing(begun: Begun, settle) -> None:
    await begun.registry.register(Call(), NSE)
    old = begun.life
    await begun.registry.unregister(Call(), NSE)
    await begun.registry.register(Call(), NSE)
    heard = list(begun.end.heard)
    old.close_soon()
    old.refresh_soon()
    assert await old.again(None) is None
    await settle()
    assert begun.end.heard == heard


async def test_a_close_meant_for_an_earlier_answer_does_nothing(begun: Begun, settle) -> None:
    await begun.registry.register(Call(), NSE)
    async with begun.begin.lifetimes.lanes.enter("e"):
        refreshing = asyncio.ensure_future(begun.registry.register(Call(), NSE))
        await asyncio.sleep(0)
        begun.life.close_soon()
    await refreshing
    await settle()
    assert begun.end.verbs == ["register e", "register e"]


async def test_a_refresh_asked_for_during_a_refresh_is_one_more(
    begun: Begun, clock: LoopClock
) -> None:
    class Slow(RecordingRegistry[Endpoint]):
        async def register(self, call: Call, record: Endpoint) -> Endpoint:
            await clock.sleep(1)
            return await super().register(call, record)

    end = Slow()
    await registry_chain(begun.begin, begun.grab).bind(end).register(Call(), NSE)
    begun.life.refresh_soon()
    await clock.sleep(0.5)
    for _ in range(5):
        begun.life.refresh_soon()
    await clock.sleep(10)
    assert end.verbs == ["register e"] * 3


async def test_unregistering_stops_a_refresh_that_insists(begun: Begun, clock: LoopClock) -> None:
    class Insist(RegistryElement[Endpoint]):
        insisting = False

        async def register(
            self, call: Call, record: Endpoint, next: Registry[Endpoint]
        ) -> Endpoint:
            while self.insisting:
                await clock.sleep(1)
            return await next.register(call, record)

    insist = Insist()
    registry = registry_chain(begun.begin, begun.grab, insist).bind(begun.end)
    await registry.register(Call(), NSE)
    insist.insisting = True
    begun.life.refresh_soon()
    await clock.sleep(100)
    async with asyncio.timeout(0.1):
        await registry.unregister(Call(), NSE)
    await clock.sleep(100)
    assert begun.end.verbs == ["register e", "unregister e"]


async def test_a_caller_who_fails_leaves_what_was_under_way_to_go_on(begun: Begun, settle) -> None:
    await begun.registry.register(Call(), NSE)
    begun.life.refresh_soon()
    begun.end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await begun.registry.register(Call(), NSE)
    await settle()
    assert begun.end.verbs == ["register e"] * 3


async def test_services_live_in_the_same_way(clock: LoopClock, tasks: Tasks, settle) -> None:
    grab, end = Grab[NetworkService](), RecordingRegistry[NetworkService]()
    begin = BeginRegistration[NetworkService](tasks, clock)
    registry = registry_chain(begin, grab).bind(end)
    await registry.register(Call(), NetworkService(name="s", payload="IP"))
    grab.lives[0].refresh_soon()
    await settle()
    assert end.heard[-1] == ("register", NetworkService(name="s", payload="IP"))


@settings(max_examples=40)
@given(st.integers(0, 2**32))
async def test_events_of_a_name_never_overlap_and_keep_their_order(seed: int) -> None:
    chance, tasks = random.Random(seed), Tasks()
    entered: dict[str, int] = {}
    seen: dict[str, list[str]] = {}

    class Overlap(RegistryElement[Endpoint]):
        async def register(
            self, call: Call, record: Endpoint, next: Registry[Endpoint]
        ) -> Endpoint:
            assert not entered.get(record.name)
            entered[record.name] = 1
            seen.setdefault(record.name, []).append(record.url)
            try:
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                if chance.random() < 0.2:
                    raise Unreachable("now and then")
                return await next.register(call, record)
            finally:
                entered[record.name] = 0

    begin = BeginRegistration[Endpoint](tasks, LoopClock())
    registry = registry_chain(begin, Overlap()).bind(RecordingRegistry[Endpoint]())

    async def ask(name: str, turn: int) -> None:
        with suppress(Unreachable):
            await registry.register(Call(), Endpoint(name=name, url=str(turn)))

    asked = [(name, turn) for turn in range(10) for name in "abc"]
    await asyncio.gather(*(ask(name, turn) for name, turn in asked))
    assert seen == {name: [str(turn) for turn in range(10)] for name in "abc"}
    assert not len(begin.lifetimes.lanes)
    await tasks.stop()
