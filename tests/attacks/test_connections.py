"""Whoever knows a connection's ids can still do nothing with another's connection."""

from dataclasses import replace

import pytest

from nsm.api.connection import RESELECT_REQUESTED, Connection, Request, Segment
from nsm.api.connection import Path as Hops
from nsm.wire import decode

from .realm import Person, Realm

pytestmark = pytest.mark.attacks

Way = tuple[Segment, ...]


async def established(realm: Realm, who: Person) -> Connection:
    """A vWire of theirs, as they know it; mallory knows it too, having watched or served it."""
    answer = await who.ask(realm.manager.addresses[0])
    assert answer.status == 0, answer
    return decode(Connection, answer.message)


def ways_in(who: Person, theirs: Connection) -> dict[str, Connection]:
    """Connections that would be taken for `theirs` by the manager's segment in them."""
    own, manager, *tail = theirs.hops.segments
    mine = Segment("mallory", "m-0")
    forged = replace(own, token=who.token(who.id, sub="spiffe://test/alice"))
    paths: dict[str, tuple[int, Way]] = {
        "its segment behind ours": (0, (mine, manager)),
        "all its segments but the first": (0, (mine, manager, *tail)),
        "the very same path": (0, (own, manager, *tail)),
        "as a hop between": (1, (forged, mine, manager)),
        "as if it were here": (1, (own, manager)),
    }
    return {
        kind: replace(theirs, id=way[at].id, path=Hops(at, way))
        for kind, (at, way) in paths.items()
    }


async def test_only_its_owner_refreshes_a_connection(
    realm: Realm, alice: Person, mallory: Person, subtests: pytest.Subtests
) -> None:
    url = realm.manager.addresses[0]
    theirs = await established(realm, alice)
    for state in (0, RESELECT_REQUESTED):
        for kind, conn in ways_in(mallory, theirs).items():
            with subtests.test(kind, state=state):
                before = len(realm.builder.built), len(realm.builder.gone)
                answer = await mallory.ask(url, Request(replace(conn, state=state)))
                assert answer.status in (3, 7), answer
                assert (len(realm.builder.built), len(realm.builder.gone)) == before
    assert (await alice.ask(url, Request(theirs))).status == 0
    first, second = (each.connection.hops.segments[1] for each in realm.builder.built)
    assert first.id == second.id


async def test_only_its_owner_closes_a_connection(
    realm: Realm, alice: Person, mallory: Person, subtests: pytest.Subtests
) -> None:
    url = realm.manager.addresses[0]
    theirs = await established(realm, alice)
    for kind, conn in ways_in(mallory, theirs).items():
        with subtests.test(kind):
            await mallory.close(url, conn)
            assert not realm.builder.gone
    assert (await alice.close(url, theirs)).status == 0
    assert len(realm.builder.gone) == 1
