"""A call without a token that its sender signed, for us, now, moves nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from nsm.api.registration import Endpoint
from nsm.wire import methods

from .forging import card, moment, token
from .raw import Answer
from .realm import EMPTY, MANAGER, PATIENCE, Headers, Person, Realm

pytestmark = pytest.mark.attacks

NOW = time.time()


@dataclass(frozen=True)
class Scene:
    """Who proves something, and to whom."""

    realm: Realm
    who: Person
    to: str

    def token(self, **otherwise: Any) -> str:
        return self.who.token(self.to, **otherwise)


def said(text: str, expires: float = 300) -> Headers:
    return [
        ("nsm-client-token", text),
        ("nsm-client-token-expires", moment(time.time() + expires)),
    ]


def of_alice(scene: Scene) -> Headers:
    """An honest token of another, as a server or a thief of memory would have it."""
    return said(scene.realm.person("alice").token(scene.to))


def by_another_leaf(scene: Scene) -> Headers:
    """Right name, right authority, another key than the one in this connection's certificate."""
    other = card(scene.realm.authority.roots[0], [scene.who.id])
    return said(token(other, scene.who.id, [scene.to]))


ATTACKS: dict[str, Callable[[Scene], Headers]] = {
    "absent": lambda _: [],
    "empty": lambda _: said(""),
    "no token": lambda _: said("a.b.c"),
    "without its time": lambda s: said(s.token())[:1],
    "twice": lambda s: [*said(s.token()), *said(s.token())],
    "another audience": lambda s: said(s.who.token("spiffe://test/other")),
    "two audiences": lambda s: said(s.token(aud=[s.to, "spiffe://test/other"])),
    "no audience": lambda s: said(s.token(aud=[])),
    "audience no list": lambda s: said(s.token(aud=s.to)),
    "not signed": lambda s: said(s.token(alg="none")),
    "not signed, loudly": lambda s: said(s.token(alg="NONE")),
    "none, but signed": lambda s: said(s.token(alg="none") + s.token().rpartition(".")[2]),
    "HS256 with the public key": lambda s: said(s.token(alg="HS256", secret=s.who.card.public_pem)),
    "HS256 with the certificate": lambda s: said(s.token(alg="HS256", secret=s.who.card.chain[0])),
    "another's name": lambda s: said(s.token(sub="spiffe://test/alice")),
    "signed by another leaf": by_another_leaf,
    "expired": lambda s: said(s.token(exp=NOW - 60)),
    "expired, said to be good": lambda s: said(s.token(exp=NOW - 1), 3600),
    "another's, replayed": of_alice,
    "outlives its certificate": lambda s: said(s.token(exp=NOW + 86400)),
    "larger than any": lambda s: said(s.token() + "A" * 20_000),
}
NOT_THERE = {"absent", "twice", "without its time"}
HONEST = "honest"


def proof(kind: str, realm: Realm, who: Person, to: str) -> Headers:
    say = ATTACKS.get(kind, lambda scene: said(scene.token()))
    return [*PATIENCE, *say(Scene(realm, who, to))]


def refused(answer: Answer) -> bool:
    """Invalid, denied, or not known at all."""
    return answer.status in (3, 7, 16)


async def test_a_request_needs_an_honest_token(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    url = realm.manager.addresses[0]
    for kind in (*ATTACKS, HONEST):
        with subtests.test(kind):
            sent = proof(kind, realm, mallory, MANAGER)
            answer = await mallory.call(url, methods.REQUEST, mallory.wish(), sent)
            assert refused(answer) != (kind == HONEST), answer
            assert len(realm.builder.built) == (kind == HONEST)


async def test_a_close_needs_an_honest_token(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    """Where no token is there, the one that the same certificate's request brought still counts."""
    url = realm.manager.addresses[0]
    assert (await mallory.ask(url)).status == 0
    stands = realm.stands(realm.builder.built[0])
    for kind in (*sorted(ATTACKS.keys() - NOT_THERE), HONEST):
        with subtests.test(kind):
            sent = proof(kind, realm, mallory, MANAGER)
            answer = await mallory.call(url, methods.CLOSE, stands, sent)
            assert refused(answer) != (kind == HONEST), answer
            assert len(realm.builder.gone) == (kind == HONEST)


@pytest.mark.parametrize("place", ["registry", "manager"])
async def test_a_registration_needs_an_honest_token(
    realm: Realm, mallory: Person, place: str, subtests: pytest.Subtests
) -> None:
    url, to = realm.place(place)
    record = Endpoint("evil", ("vpn",), url="tcp://127.0.0.1:1")
    for kind in (*ATTACKS, HONEST):
        with subtests.test(kind):
            sent = [*proof(kind, realm, mallory, to), ("path", EMPTY)]
            answer = await mallory.call(url, methods.REGISTER_ENDPOINT, record, sent)
            assert refused(answer) != (kind == HONEST), answer
            found = await mallory.find(realm.registry.addresses[0], "evil")
            assert bool(found) == (kind == HONEST)
