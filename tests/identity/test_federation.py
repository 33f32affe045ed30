"""What we know of other trust domains."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.changes import Changes
from nsm.identity.federation import Federation, Foreign, read_domains
from nsm.sdk import Clock
from nsm.sdk.clock import LoopClock

OTHER = Authority("other.org", Clock())
ANCHOR = OTHER.roots[0].der
X509 = {"use": "x509-svid", "kty": "EC", "x5c": [b64encode(ANCHOR).decode()]}
TOKENS = OTHER.token_keys[0].plain()


def written(*keys: object, name: str = "other.org") -> bytes:
    return json.dumps({"trust_domains": {name: {"keys": keys, "spiffe_sequence": 1}}}).encode()


def test_certificates_and_keys_are_told_apart_by_their_use_and_others_ignored() -> None:
    known = read_domains(written(X509, TOKENS, {"use": "sig"}, {"kty": "EC"}, 7))
    assert known == {"other.org": Foreign((ANCHOR,), OTHER.token_keys)}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"trust_domains": []}',
        b'{"trust_domains": {"other.org": []}}',
        written(name="Other"),
        written(name="own"),
        written(X509 | {"x5c": []}),
        written(X509 | {"x5c": [1]}),
        written(X509 | {"x5c": ["!"]}),
        written(X509 | {"x5c": ["MAA="]}),
        written(X509 | {"x5c": [b64encode(ANCHOR + ANCHOR).decode()]}),
        written(TOKENS | {"kid": ""}),
        written(*[X509] * 200),
        b"[" * 100_000,
    ],
)
def test_what_is_no_bundle_map_or_speaks_for_us_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        read_domains(text, own="own")


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(str))
def test_no_text_does_worse_than_be_refused(text: bytes | str) -> None:
    try:
        read_domains(text if isinstance(text, bytes) else text.encode())
    except Invalid:
        return


@pytest.mark.looptime
async def test_a_change_of_the_file_is_heard_of_and_a_bad_one_changes_nothing(tmp_path) -> None:
    file, changes = tmp_path / "others.json", Changes()
    file.write_bytes(written(X509))
    federation = Federation(str(file), "own", changes, LoopClock())
    watching = asyncio.ensure_future(federation.watch())
    replace(file, b"{")
    await asyncio.sleep(3)
    assert (federation.domains["other.org"].anchors, changes.count) == ((ANCHOR,), 0)
    replace(file, written(TOKENS))
    await asyncio.sleep(3)
    assert federation.domains == {"other.org": Foreign((), OTHER.token_keys)}
    file.unlink()
    await asyncio.sleep(3)
    assert (federation.domains, changes.count) == ({}, 2)
    watching.cancel()


async def test_a_bad_file_is_an_error_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"{")
    for name in ("bad", "none"):
        with pytest.raises(Invalid):
            Federation(str(tmp_path / name), "own", Changes(), LoopClock())


def replace(file: Path, text: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(text)
    new.replace(file)
