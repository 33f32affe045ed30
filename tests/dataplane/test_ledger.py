"""An alias says whose an interface is, and only this node can say it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.dataplane.ledger import LONGEST, NodeKey, Tag, same_owner
from nsm.errors import Invalid

KEY = NodeKey(b"k" * 32)


@given(st.text(max_size=300), st.sampled_from(["client", "endpoint"]), st.integers(0, 1 << 24))
def test_what_is_written_is_read_again_and_fits(connection, role, vni) -> None:
    tag = Tag.of(connection, role, vni, 4_000_000_000.5)
    alias = KEY.alias(tag)
    assert len(alias.encode()) <= LONGEST
    assert KEY.read(alias) == tag


@given(st.integers(0, 120), st.characters(codec="ascii", exclude_categories=["Cc"]))
def test_a_changed_alias_is_nobodys(at, character) -> None:
    alias = KEY.alias(Tag.of("c-1", "client", 7, 9))
    changed = alias[:at] + character + alias[at + 1 :]
    assert KEY.read(changed) is None or changed == alias


@given(st.text(max_size=300))
def test_any_text_may_be_asked(text) -> None:
    assert KEY.read(text) is None


def test_another_node_cannot_write_ours() -> None:
    assert KEY.read(NodeKey(b"x" * 32).alias(Tag.of("c-1", "client"))) is None


def test_the_owner_stays_when_the_expiry_moves() -> None:
    now, later = (KEY.alias(Tag.of("c-1", "client", 7, when)) for when in (1, 2))
    assert same_owner(now, later)
    assert same_owner(now, "")
    assert not same_owner(now, KEY.alias(Tag.of("c-2", "client", 7, 1)))
    assert not same_owner(now, KEY.alias(Tag.of("c-1", "endpoint", 7, 1)))
    assert not same_owner("", now)


def test_the_key_is_made_once_and_is_its_owners(tmp_path) -> None:
    path = tmp_path / "state" / "node.key"
    first = NodeKey.kept_in(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert NodeKey.kept_in(path).read(first.alias(Tag.of("c", "client")))
    assert os.listdir(path.parent) == ["node.key"]


def test_a_key_that_others_may_read_or_that_is_damaged_is_refused(tmp_path) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(b"k" * 32)
    path.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        NodeKey.kept_in(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Invalid, match="does not hold a key"):
        NodeKey.kept_in(path)


def test_a_key_is_not_shown() -> None:
    assert "k" * 8 not in repr(NodeKey(b"k" * 32))
