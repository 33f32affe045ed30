"""A path that no honest chain of hops would make gets nobody any further."""

import time
from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Request, Segment
from nsm.api.connection import Path as Hops
from nsm.api.timestamp import Timestamp
from nsm.api.validate import MOST_HOPS

from .forging import token
from .realm import MANAGER, Person, Realm

pytestmark = pytest.mark.attacks


class Way:
    """Hops before us, each of whom signed for the next, up to one that asks the manager."""

    def __init__(self, realm: Realm, *names: str) -> None:
        self.people = [realm.person(name) for name in names]
        after = [*(person.id for person in self.people[1:]), MANAGER]
        self.segments = [
            Segment(
                person.id.rpartition("/")[2],
                f"{number}-{person.id.rpartition('/')[2]}",
                person.token(whom),
                Timestamp.at(time.time() + 300),
            )
            for number, (person, whom) in enumerate(zip(self.people, after, strict=True))
        ]

    @property
    def last(self) -> Person:
        return self.people[-1]


def request(segments: list[Segment], index: int | None = None, id: str | None = None) -> Request:
    """A request from the last of these hops, or from the one at `index`."""
    at = len(segments) - 1 if index is None else index
    here = segments[min(at, len(segments) - 1)].id if id is None else id
    return Request(Connection(here, network_service="vpn", path=Hops(at, tuple(segments))))


async def answered(realm: Realm, who: Person, wish: Request) -> bool:
    """Whether this moves the forwarder; if not, it was refused."""
    realm.builder.built.clear()
    answer = await who.ask(realm.manager.addresses[0], wish)
    built = bool(realm.builder.built)
    assert (answer.status == 0) == built, answer
    assert built or answer.status in (3, 7), answer
    return built


async def test_an_index_that_points_nowhere_is_refused(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    way = Way(realm, "alice", "mallory")
    for index in (2, 3, 128, 2**31, 2**32 - 1):
        with subtests.test(index):
            assert not await answered(realm, mallory, request(way.segments, index))
    assert await answered(realm, mallory, request(way.segments))


async def test_an_id_that_is_not_the_asker_s_own_is_refused(realm: Realm, mallory: Person) -> None:
    way = Way(realm, "alice", "mallory")
    assert not await answered(realm, mallory, request(way.segments, id=way.segments[0].id))
    assert not await answered(realm, mallory, request(way.segments, id="other"))
    assert await answered(realm, mallory, request(way.segments))


async def test_segments_put_in_left_out_or_moved_are_refused(
    realm: Realm, subtests: pytest.Subtests
) -> None:
    way = Way(realm, "alice", "bob", "carol", "mallory")
    a, b, c, m = way.segments
    eve = Way(realm, "eve").segments[0]
    altered = {
        "one put in": [a, b, eve, c, m],
        "one put in front": [eve, a, b, c, m],
        "one left out": [a, c, m],
        "two moved": [a, c, b, m],
        "the sender moved": [a, b, m, c],
        "one without a token": [a, replace(b, token=""), c, m],
        "one of nobody": [a, replace(b, token="a.b.c"), c, m],
        "one expired": [a, b, replace(c, token=expired(way.people[2], way.last.id)), m],
        "one for two": [a, replace(b, token=for_two(way.people[1], way.people[2].id)), c, m],
    }
    for kind, segments in altered.items():
        with subtests.test(kind):
            assert not await answered(realm, way.last, request(segments))
    assert await answered(realm, way.last, request(way.segments))


def expired(who: Person, to: str) -> str:
    return who.token(to, exp=time.time() - 5)


def for_two(who: Person, to: str) -> str:
    return token(who.card, who.id, [to, MANAGER])


async def test_a_hop_twice_in_a_path_is_refused(realm: Realm) -> None:
    """One hop may come again, but not as the same connection: that is a loop, or a lie."""
    way = Way(realm, "alice", "bob", "alice", "mallory")
    a, b, again, m = way.segments
    twin = replace(again, id=a.id)
    assert not await answered(realm, way.last, request([a, b, twin, m]))
    beyond = [a, b, again, m, Segment("manager", "x"), Segment("bob", b.id)]
    assert not await answered(realm, way.last, request(beyond, 3))
    assert await answered(realm, way.last, request(way.segments))


async def test_a_path_longer_than_any_honest_one_is_refused(realm: Realm) -> None:
    names = [f"hop{number}" for number in range(MOST_HOPS)]
    way = Way(realm, *names)
    assert not await answered(realm, way.last, request(way.segments))
    more = [*way.segments, Segment("one", "more")]
    assert not await answered(realm, way.people[0], request(more, 0))


async def test_a_long_chain_of_passthroughs_passes(realm: Realm) -> None:
    """Each visits the manager again and adds four segments; eight of them are no attack."""
    names = ["alice"]
    for number in range(8):
        names += ["manager", "forwarder", f"pass{number}", f"pass{number}-client"]
    way = Way(realm, *names)
    assert await answered(realm, way.last, request(way.segments))
