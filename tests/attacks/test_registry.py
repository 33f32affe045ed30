"""Names stay with whoever registered them, and no record makes a registry keep anything else."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.api.labels import Labels
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


async def test_a_million_labels_are_refused_and_cost_nothing(realm: Realm, mallory: Person) -> None:
    url, to = realm.place("registry")
    assert (await mallory.register(url, MINE, to)).status == 0
    before = resident()
    many = Labels({f"{number:x}": "" for number in range(1_000_000)})
    record = replace(MINE, name="fat", network_service_labels={"vpn": many})
    assert (await mallory.register(url, record, to)).status in (3, 8)
    some = Labels({f"{number:x}": "" for number in range(300_000)})  # what one message can hold
    record = replace(MINE, name="fat", network_service_labels={"vpn": some})
    assert (await mallory.register(url, record, to)).status in (3, 8)
    del many, some, record
    assert await mallory.find(url, "fat") is None
    assert resident() - before < 256 << 20  # this process also made them


def header(tokens: list[str], index: int) -> str:
    return json.dumps({"Index": index, "PathSegments": [{"token": token} for token in tokens]})


def resident() -> int:
    """Bytes of memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
