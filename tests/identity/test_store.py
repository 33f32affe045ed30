"""Roots between two lives."""

import logging
from pathlib import Path

import pytest

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_is_kept_is_found_again_and_no_one_else_can_read_it(store, authority) -> None:
    authority.rotate()
    store.save(authority.roots)
    found = store.load("test")
    assert [root.der for root in found] == [root.der for root in authority.roots]
    assert [root.made for root in found] == [root.made for root in authority.roots]
    assert store.file.stat().st_mode & 0o777 == 0o600
    assert store.directory.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in store.directory.iterdir()] == ["authority.pem"]


def test_an_empty_store_holds_nothing(store: Store) -> None:
    assert store.load("test") == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[10:],
        lambda data: data[:0],
        lambda data: b"\0" * len(data),
        lambda data: data.replace(b"A", b"B"),
        lambda data: data + b"more",
        lambda data: data.split(b"-----BEGIN CERT")[0],
    ],
)
def test_a_damaged_store_is_put_aside_and_said(store, authority, damage, caplog) -> None:
    store.save(authority.roots)
    store.file.write_bytes(damage(store.file.read_bytes()))
    with caplog.at_level(logging.ERROR):
        assert store.load("test") == ()
    assert "damaged" in caplog.text
    assert "PRIVATE" not in caplog.text
    assert store.file.with_suffix(".damaged").stat().st_mode & 0o777 == 0o600
    store.save(authority.roots)
    assert store.load("test")


def test_a_key_that_belongs_to_another_certificate_is_damage(store, authority) -> None:
    other = Authority("test", authority._clock)
    store.save(authority.roots)
    mine = store.file.read_bytes().split(b"-----BEGIN CERT")
    store.save(other.roots)
    theirs = store.file.read_bytes().split(b"-----BEGIN CERT")
    store.file.write_bytes(mine[0] + b"-----BEGIN CERT" + theirs[1])
    assert store.load("test") == ()


def test_a_half_written_file_of_a_crash_is_in_nobodys_way(store, authority) -> None:
    store.save(authority.roots)
    store.file.with_suffix(".new").write_bytes(b"half")
    store.save(authority.roots)
    assert store.load("test")


def test_keys_that_others_could_read_are_not_used(store, authority) -> None:
    store.save(authority.roots)
    store.file.chmod(0o640)
    with pytest.raises(Invalid, match="read by others"):
        store.load("test")


def test_another_domains_store_is_not_taken_for_ours(store, authority) -> None:
    store.save(authority.roots)
    with pytest.raises(Invalid, match="not of other"):
        store.load("other")


def test_a_disk_that_refuses_is_said_plainly(tmp_path, authority) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file")
    with pytest.raises(Invalid, match=r"authority\.pem"):
        store.save(authority.roots)
    store.file = tmp_path
    with pytest.raises(Invalid):
        store.load("test")
