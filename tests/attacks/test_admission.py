"""Nobody gets by the rules in another's name, poses as a forwarder, or watches what is not his."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nsm.admission.glob import IdGlob
from nsm.api.connection import Connection, Request, Segment
from nsm.api.connection import Path as Hops
from nsm.api.labels import Labels
from nsm.api.monitoring import Selector
from nsm.api.registration import Endpoint
from nsm.identity.onlookers import Onlookers
from nsm.sdk import Call
from nsm.sdk.streams import reading
from nsm.wire import decode

from .realm import FORWARDER, MANAGER, Person, Realm

pytestmark = pytest.mark.attacks

RULES = """
rules:
  - {name: alice-only, allow: use, who: spiffe://test/alice}
  - {name: nobody-else, deny: use, because: it is hers}
"""


@pytest.fixture
async def ruled(tmp_path: Path) -> AsyncIterator[Realm]:
    """A domain where only alice may use anything."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    made = Realm(tmp_path)
    try:
        await made.start({"NSM_ADMISSION_RULES": str(rules)})
        yield made
    finally:
        await made.stop()


def passed_on(by: Person, *ids: str, to: str = MANAGER) -> Request:
    """A request that seems to come from the first of `ids`, through all the others and `by`."""
    hands = [*ids, by.id]
    segments = [
        Segment(f"hop-{at}", f"id-{at}", by.token(after, sub=id))
        for at, (id, after) in enumerate(zip(hands, [*hands[1:], to], strict=True))
    ]
    hops = Hops(len(segments) - 1, tuple(segments))
    return Request(Connection(segments[-1].id, network_service="vpn", path=hops))


ALICE = "spiffe://test/alice"


@pytest.mark.parametrize(
    "hands",
    [
        [],
        [ALICE],
        [ALICE, MANAGER],
        [ALICE, MANAGER, FORWARDER],
        [ALICE, MANAGER, FORWARDER, ALICE],
    ],
)
async def test_asking_in_anothers_name_is_asking_for_oneself(
    ruled: Realm, hands: list[str]
) -> None:
    url = ruled.manager.addresses[0]
    mallory = ruled.person("mallory")
    answer = await mallory.ask(url, passed_on(mallory, *hands))
    assert answer.status == 7
    assert "test/mallory may not use 'vpn': rule nobody-else: it is hers" in answer.said
    assert ruled.unmoved
    assert (await ruled.person("alice").ask(url)).status == 0
    assert len(ruled.builder.built) == 1


async def test_the_meshs_own_programs_are_believed(ruled: Realm) -> None:
    """The control: the same path is let in where a forwarder vouches for it."""
    other = ruled.person("nsm/forwarder-2")
    url = ruled.manager.addresses[0]
    assert (await other.ask(url, passed_on(other, ALICE, MANAGER))).status == 0
    for_mallory = passed_on(other, "spiffe://test/mallory", MANAGER)
    assert (await other.ask(url, for_mallory)).status == 7


async def test_rules_that_turn_take_the_vwire_away(ruled: Realm, tmp_path: Path) -> None:
    url = ruled.manager.addresses[0]
    assert (await ruled.person("alice").ask(url)).status == 0
    (tmp_path / "rules.yaml").write_text(RULES.replace("test/alice", "test/bob"))
    for _ in range(150):  # a second is promised; the machine may be busy
        if ruled.builder.gone:
            break
        await asyncio.sleep(0.01)
    assert ruled.builder.gone
    assert (await ruled.person("alice").ask(url)).status == 7


@pytest.mark.parametrize("place", ["registry", "manager"])
async def test_nobody_poses_as_a_forwarder(
    realm: Realm, alice: Person, mallory: Person, place: str
) -> None:
    url, to = realm.place(place)
    own = realm.managing.url
    labels = {"forwarder": Labels({"p2p": "true"})}
    for at in ("tcp://6.6.6.6:666", own):
        record = Endpoint("a-forwarder", ("forwarder",), labels, at)
        for services in (("forwarder",), ("other", "forwarder")):
            posing = Endpoint("a-forwarder", services, labels, at)
            assert (await mallory.register(url, posing, to)).status == 7
    assert await alice.find(url, "a-forwarder", to) is None
    assert (await realm.person("nsm/forwarder-2").register(url, record, to)).status == 0
    assert await alice.find(url, "a-forwarder", to)


async def seen(realm: Realm, id: str) -> set[str]:
    """Whose connections somebody sees at the manager, who watches all they can."""
    channel = await realm.program(id).dialer.dial(realm.manager.addresses[0])
    async with asyncio.timeout(5), reading(channel.monitor.watch(Call(), Selector())) as told:
        first = await anext(told)
    return {conn.hops.segments[0].name for conn in first.connections.values()}


async def test_nobody_watches_anothers_connections(
    realm: Realm, alice: Person, mallory: Person
) -> None:
    url = realm.manager.addresses[0]
    theirs = decode(Connection, (await alice.ask(url)).message)
    assert theirs.hops.segments
    assert (await mallory.ask(url, mallory.wish("wire-1"))).status == 0
    assert await seen(realm, alice.id) == {"alice"}
    assert await seen(realm, mallory.id) == {"mallory"}
    assert await seen(realm, "spiffe://test/eve") == set()
    assert await seen(realm, MANAGER) == {"alice", "mallory"}


async def test_who_watches_over_all_sees_all(realm: Realm, alice: Person) -> None:
    """The control: it is the path, and nothing else, that kept others from seeing."""
    assert (await alice.ask(realm.manager.addresses[0])).status == 0
    realm.managing.needs.events._sees = Onlookers([IdGlob.parse("spiffe://test/eve")])
    assert await seen(realm, "spiffe://test/eve") == {"alice"}
