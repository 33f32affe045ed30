"""Names stay with whoever registered them, and no record makes a registry keep anything else."""

import asyncio
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.api.registration import Endpoint, NetworkService

from .forging import token
from .realm import EMPTY, MANAGER, REGISTRY, Person, Realm

pytestmark = pytest.mark.attacks

THEIRS = Endpoint("nse-1", ("vpn",), url="tcp://10.0.0.1:5001")
MINE = replace(THEIRS, url="tcp://6.6.6.6:666")
PLACES = pytest.mark.parametrize("place", ["registry", "manager"])


@PLACES
async def test_a_name_is_not_taken_from_its_owner(
    realm: Realm, alice: Person, mallory: Person, place: str
) -> None:
    url, to = realm.place(place)
    assert (await alice.register(url, THEIRS, to)).status == 0
    before = await alice.find(url, "nse-1", to)
    assert (await mallory.register(url, MINE, to)).status == 7
    assert (await mallory.unregister(url, MINE, to)).status == 7
    assert (await mallory.unregister(url, THEIRS, to)).status == 7
    assert await alice.find(url, "nse-1", to) == before
    assert (await alice.unregister(url, THEIRS, to)).status == 0
    assert await alice.find(url, "nse-1", to) is None
    assert (await mallory.register(url, MINE, to)).status == 0


async def test_a_service_is_not_changed_by_others(
    realm: Realm, alice: Person, mallory: Person
) -> None:
    url, to = realm.place("registry")
    assert (await alice.register(url, NetworkService("svc", "IP"), to)).status == 0
    assert (await mallory.register(url, NetworkService("svc", "IP"), to)).status == 0  # says so too
    assert (await mallory.register(url, NetworkService("svc", "ETHERNET"), to)).status == 7
    assert (await mallory.unregister(url, NetworkService("svc"), to)).status == 7
    assert (await alice.register(url, NetworkService("svc", "ETHERNET"), to)).status == 0


async def test_a_rule_may_put_another_above_the_owner_and_nobody_else(tmp_path: Path) -> None:
    realm = Realm(tmp_path)
    (rules := tmp_path / "registry.yaml").write_text(
        "rules: [{name: keepers, allow: register, who: 'spiffe://test/keeper', service: svc}]"
    )
    realm.registry_rules = str(rules)
    try:
        await realm.start({})
        url, to = realm.place("registry")
        alice, keeper, mallory = map(realm.person, ("alice", "keeper", "mallory"))
        for name in ("svc", "other"):
            assert (await alice.register(url, NetworkService(name, "IP"), to)).status == 0
        assert (await mallory.register(url, NetworkService("svc", "ETHERNET"), to)).status == 7
        assert (await keeper.register(url, NetworkService("other", "ETHERNET"), to)).status == 7
        assert (await keeper.register(url, NetworkService("svc", "ETHERNET"), to)).status == 0
        assert (await alice.register(url, NetworkService("svc", "IP"), to)).status == 0
        assert (await mallory.unregister(url, NetworkService("svc"), to)).status == 7
        assert (await keeper.unregister(url, NetworkService("svc"), to)).status == 0
    finally:
        await realm.stop()


@PLACES
async def test_ids_of_a_way_that_was_not_come_count_for_nothing(
    realm: Realm, alice: Person, mallory: Person, place: str
) -> None:
    """What a registrant says of its way in the record is replaced by what its tokens prove."""
    url, to = realm.place(place)
    assert (await alice.register(url, THEIRS, to)).status == 0
    for ids in ((alice.id,), (alice.id, MANAGER), (alice.id, MANAGER, REGISTRY, mallory.id)):
        assert (await mallory.register(url, replace(MINE, path_ids=ids), to)).status == 7
        own = replace(MINE, name="nse-2", path_ids=ids)
        assert (await mallory.register(url, own, to)).status == 0
        found = await alice.find(realm.registry.addresses[0], "nse-2")
        assert found
        way = [mallory.id, MANAGER, REGISTRY] if place == "manager" else [mallory.id, REGISTRY]
        assert list(found.path_ids) == way


async def test_a_forged_way_is_refused(realm: Realm, alice: Person, mallory: Person) -> None:
    """A header with tokens of others, to seem to ask for them."""
    url, to = realm.place("registry")
    assert (await alice.register(url, THEIRS, to)).status == 0
    stolen = alice.token(REGISTRY)  # one that a registry was sent, say
    for tokens, index in (
        ([stolen], 0),
        ([stolen, mallory.token(to)], 1),
        ([stolen, mallory.token(to)], 0),
        ([alice.token(MANAGER), mallory.token(to)], 1),
        ([alice.token(mallory.id, exp=time.time() - 1), mallory.token(to)], 1),
        (["a.b.c", mallory.token(to)], 1),
        ([""], 1),
        ([stolen] * 200, 0),
        ([stolen], 7),
    ):
        path = header(tokens, index)
        assert (await mallory.register(url, MINE, to, path)).status in (3, 7), (tokens, index)
        assert (await mallory.unregister(url, THEIRS, to, path)).status in (3, 7), (tokens, index)
    found = await alice.find(url, "nse-1")
    assert found
    assert found.url == THEIRS.url


@PLACES
async def test_nobody_speaks_for_one_who_came_itself(
    realm: Realm, alice: Person, mallory: Person, place: str
) -> None:
    """A forged token of hers before one's own: beyond the neighbour nothing can be proven."""
    url, to = realm.place(place)
    assert (await alice.register(url, THEIRS, to)).status == 0
    forged = token(mallory.card, alice.id, [mallory.id])
    path = header([forged, mallory.token(to)], 1)
    for register in (mallory.register, mallory.unregister):
        assert (await register(url, MINE, to, path)).status == 7
    found = await alice.find(url, "nse-1", to)
    assert found
    assert found.url == THEIRS.url
    assert (await mallory.register(url, replace(MINE, name="nse-2"), to, path)).status == 0


async def test_nobody_poses_as_a_manager(realm: Realm, alice: Person, mallory: Person) -> None:
    """What came by way of a manager is spoken for by the mesh's own programs, and nobody else."""
    (manager, at_manager), (registry, at_registry) = map(realm.place, ("manager", "registry"))
    assert (await alice.register(manager, THEIRS, at_manager)).status == 0
    path = header([token(mallory.card, alice.id, [mallory.id]), mallory.token(at_registry)], 1)
    for register in (mallory.register, mallory.unregister):
        assert (await register(registry, MINE, at_registry, path)).status == 7
    found = await alice.find(registry, "nse-1", at_registry)
    assert found
    assert found.path_ids[0] == alice.id
    assert found.url != MINE.url
    other = Person(MANAGER.replace("manager", "manager-2"), realm.person("nsm/manager-2").card)
    path = header([alice.token(other.id), other.token(at_registry)], 1)
    assert (await other.register(registry, THEIRS, at_registry, path)).status == 0


NO_WAYS = ["", "[]", "null", "{", '{"Index":-1}', '{"Index":1e99}', "[" * 50_000, '{"Index":"1"}']


async def test_a_way_that_is_none_is_refused(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    url, to = realm.place("registry")
    for path in NO_WAYS:
        with subtests.test(path[:20]):
            assert (await mallory.register(url, MINE, to, path)).status == 3
    assert (await mallory.register(url, MINE, to, EMPTY)).status == 0


NAMES = ["", "\n", "nse\x1b[2J", "a\0b", "\u202eevil", "x" * 300, "\ufeff", "a\u2028b"]


async def test_names_that_garble_logs_and_screens_are_refused(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    url, to = realm.place("registry")
    for name in NAMES:
        for record in (
            replace(MINE, name=name),
            replace(MINE, network_service_names=(name or "\t",)),
            NetworkService(name, "IP"),
        ):
            with subtests.test(ascii(name), kind=type(record).__name__):
                assert (await mallory.register(url, record, to)).status == 3
    assert (await mallory.register(url, replace(MINE, name="nsé-1.ü_x"), to)).status == 0


@pytest.mark.parametrize("count", [1_000_000, 90_000, 40_000])
async def test_a_million_labels_are_refused_and_cost_nothing(
    realm: Realm, alice: Person, mallory: Person, count: int
) -> None:
    """By their size, by their number, and by what they weigh; nobody waits for that."""
    url, to = realm.place("registry")
    assert (await mallory.register(url, MINE, to)).status == 0
    entries = b"".join(b"\x0a\x07\x0a\x05%05x" % number for number in range(count))
    labels = field(3, field(1, b"vpn") + field(2, entries))
    record = field(1, b"fat") + field(2, b"vpn") + field(4, MINE.url.encode()) + labels
    before = resident()
    headers = [*mallory.headers(to), ("path", EMPTY)]
    async with await mallory.mouth(url) as mouth:
        registering = asyncio.create_task(mouth.ask(REGISTER, record, headers))
        slowest = 0.0
        while not registering.done():
            began = time.monotonic()
            assert await alice.find(url, "nse-1")
            slowest = max(slowest, time.monotonic() - began)
        assert (await registering).status in (3, 8)
    assert await alice.find(url, "fat") is None
    assert slowest < 3
    assert resident() - before < 64 << 20


REGISTER = "/registry.NetworkServiceEndpointRegistry/Register"


def field(number: int, data: bytes) -> bytes:
    """A field of a message, as bytes."""
    size, length = len(data), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + data


def header(tokens: list[str], index: int) -> str:
    return json.dumps({"Index": index, "PathSegments": [{"token": token} for token in tokens]})


def resident() -> int:
    """Bytes of memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
