"""No key and no token is in anything a program says, however much it is told to say."""

import base64
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nsm.api.registration import Endpoint
from nsm.wire import methods

from .forging import Card
from .realm import EMPTY, MANAGER, Person, Realm
from .tapped import World
from .test_tokens import ATTACKS, proof

pytestmark = pytest.mark.attacks

PATTERNS = {
    "a PEM": re.compile(r"-----BEGIN|-----END"),
    "a token": re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    "a key in DER": re.compile(
        r"MIGHAgEAMBMGByqGSM49|308187020100301306072a8648ce3d", re.IGNORECASE
    ),
}


def secret_texts(key: ec.EllipticCurvePrivateKey) -> list[str]:
    """The secret number of a key, as somebody might write it."""
    number = key.private_numbers().private_value
    raw = number.to_bytes(32, "big")
    inner = [
        base64.b64encode(b"\0" * pad + raw).decode()[4 * bool(pad) + 4 : -4] for pad in range(3)
    ]
    return [raw.hex(), raw.hex().upper(), str(number), repr(raw)[2:-1], *inner]


def leaks(texts: dict[str, str], keys: Iterable[ec.EllipticCurvePrivateKey]) -> set[str]:
    """What is found where."""
    secrets = [text for key in keys for text in secret_texts(key)]
    return {
        f"{what} in {name}"
        for name, text in texts.items()
        for what, found in (
            *((what, bool(pattern.search(text))) for what, pattern in PATTERNS.items()),
            ("a key", any(secret in text for secret in secrets)),
        )
        if found
    }


def planted(card: Card, token: str) -> dict[str, str]:
    """A leak of each kind, which must be found."""
    return {
        "planted PEM": card.key_pem.decode(),
        "planted token": f"refused {token!r} of a caller",
        "planted number": f"key {card.key.private_numbers().private_value}",
        "planted hex": f"key {card.key.private_numbers().private_value:064x}",
    }


def test_what_is_searched_for_would_be_found() -> None:
    card = Card()
    person = Person("spiffe://test/mallory", card)
    found = leaks(planted(card, person.token()), [card.key])
    assert found >= {
        "a PEM in planted PEM",
        "a token in planted token",
        "a key in planted number",
        "a key in planted hex",
    }
    assert not leaks(
        {"nothing": "spiffe://test/x asked for svc; token expired 3 s ago"}, [card.key]
    )


async def test_nothing_that_callers_bring_is_said(
    realm: Realm, mallory: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """All that goes wrong with tokens, at every hop, and what answers to that."""
    caplog.set_level(logging.DEBUG, "nsm")
    answers = [str(await mallory.ask(realm.manager.addresses[0]))]
    for kind in ATTACKS:
        sent = proof(kind, realm, mallory, MANAGER)
        for method, noun in (
            (methods.REQUEST, mallory.wish()),
            (methods.REGISTER_ENDPOINT, Endpoint("nse", ("vpn",), url="tcp://1.2.3.4:5")),
        ):
            headers = [*sent, ("path", EMPTY)]
            answer = await mallory.call(realm.manager.addresses[0], method, noun, headers)
            answers.append(f"{answer.said} {answer.headers} {answer.trailers}")
    own = [program.identity.svid.key for program in realm.programs]
    texts = {"the logs": said_by_nsm(caplog), "the answers": "\n".join(answers)}
    assert len(texts["the logs"]) > 10_000
    assert not leaks({"the logs": texts["the logs"]}, [*own, mallory.card.key])
    logging.getLogger("nsm.planted").debug("refused %s", mallory.token())
    assert leaks({"the logs": said_by_nsm(caplog)}, []) == {"a token in the logs"}


def said_by_nsm(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        f"{record.getMessage()} {record.exc_text or ''}"
        for record in caplog.records
        if record.name.startswith("nsm")
    )


@pytest.mark.linux
@pytest.mark.world
def test_a_world_that_says_all_it_can_says_no_secret(world: World, tmp_path: Path) -> None:
    logs = {file.name: file.read_text() for file in (world.root / "logs").iterdir()}
    assert sum(" DEBUG " in text for text in logs.values()) >= 4
    texts = {**logs, "what commands print": "\n".join(world.said)}
    keys = list(stored_keys(world.root))
    assert keys
    assert not leaks(texts, keys)
    number = keys[0].private_numbers().private_value
    assert leaks({**texts, "planted": f"{number:x}"}, keys) <= {"a key in planted"}
    assert leaks({**texts, "planted": f"key {number}"}, keys) == {"a key in planted"}


def stored_keys(root: Path) -> Iterable[ec.EllipticCurvePrivateKey]:
    """The keys a world keeps on disk."""
    pattern = re.compile(rb"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL)
    for file in root.rglob("*.pem"):
        for pem in pattern.findall(file.read_bytes()):
            key = serialization.load_pem_private_key(pem, None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            yield key
