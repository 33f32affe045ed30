"""The file itself."""

import os
import random
import sqlite3
import stat
from pathlib import Path

import pytest

from nsm.errors import Exhausted, Invalid
from nsm.store.file import Drop, File, Put, Row


def put(name: str, owner: str = "one", until: float | None = None, **more) -> Put:
    said = {"proven": False, "record": name.encode(), "now": 0.0, **more}
    return Put(kind="K", name=name, owner=owner, until=until, **said)


def rows(path: Path, now: float = 0.0) -> list[Row]:
    file = File.open(path)
    try:
        return file.read(now)
    finally:
        file.close()


def written(path: Path, *changes: Put | Drop) -> Path:
    file = File.open(path)
    file.apply(changes)
    file.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records"


def test_what_is_put_is_read_in_the_order_it_first_came(path: Path) -> None:
    written(path, put("b"), put("a"), put("b", record=b"new"), put("c"), Drop(kind="K", name="c"))
    assert rows(path) == [("K", "b", "one", 0, b"new"), ("K", "a", "one", 0, b"a")]


def test_only_its_owner_may_read_or_write_it(path: Path) -> None:
    written(path, put("a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("now", "owner", "proven"), [(9.0, "one", 0), (10.0, "two", 1)], ids=["in time", "too late"]
)
def test_a_name_stays_whose_it_was_until_its_time_is_over(path, now, owner, proven) -> None:
    written(path, put("a", "one", 10.0), put("a", "two", 20.0, now=now, proven=True))
    assert rows(path) == [("K", "a", owner, proven, b"a")]


def test_whose_a_name_is_can_be_proven_later_by_its_owner_alone(path: Path) -> None:
    written(path, put("a"), put("b"), put("a", proven=True), put("b", "two", proven=True))
    assert [row[3] for row in rows(path)] == [1, 0]
    written(path, put("a", proven=False))
    assert [row[3] for row in rows(path)] == [1, 0]


def test_what_is_over_is_not_read_and_what_has_no_end_is(path: Path) -> None:
    written(path, put("a", until=10.0), put("b", until=10.5), put("c"))
    assert [row[1] for row in rows(path, 10.0)] == ["b", "c"]
    assert [row[1] for row in rows(path)] == ["b", "c"]


def test_a_lapse_forgets_only_what_was_not_kept_anew(path: Path) -> None:
    written(path, put("a", until=10.0), put("b", until=20.0), put("c"))
    written(path, *(Drop(kind="K", name=name, lapsed=10.0) for name in "abc"))
    assert [row[1] for row in rows(path)] == ["b", "c"]


def test_a_batch_is_kept_whole_or_not_at_all(path: Path) -> None:
    file = File.open(path)
    with pytest.raises(Invalid):
        file.apply([put("a"), put("b", record=None)])
    file.apply([put("c")])
    file.close()
    assert [row[1] for row in rows(path)] == ["c"]


def test_a_full_disk_is_said_as_such_and_leaves_what_stood(path: Path) -> None:
    file = File.open(path)
    file.apply([put("a")])
    pages = file.database.execute("PRAGMA page_count").fetchone()[0]
    file.database.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(Exhausted, match=r"no room to keep records.*make room"):
        file.apply([put("b", record=bytes(100_000))])
    file.apply([put("c")])
    file.close()
    assert [row[1] for row in rows(path)] == ["a", "c"]


def test_there_is_one_writer(path: Path) -> None:
    file = File.open(path)
    with pytest.raises(Invalid, match="another program has"):
        File.open(path)
    file.apply([put("a")])
    file.close()
    assert len(rows(path)) == 1


@pytest.mark.parametrize("damage", ["text", "cut", "holes"])
def test_a_damaged_file_is_put_aside_and_said(path: Path, damage: str, caplog) -> None:
    written(path, *(put(f"name-{n}", record=bytes(500)) for n in range(200)))
    whole = path.read_bytes()
    noise = random.Random(1).randbytes
    path.write_bytes(
        {
            "text": b"no database\n" * 100,
            "cut": whole[: len(whole) // 2],
            "holes": whole[:4096] + noise(4096) + whole[8192:-4096] + noise(4096),
        }[damage]
    )
    damaged = path.read_bytes()
    assert rows(path) == []
    assert (path.parent / "records.damaged-1").read_bytes() == damaged
    assert "damaged" in caplog.text
    assert "records.damaged-1" in caplog.text
    written(path, put("a"))
    path.write_bytes(b"again")
    assert rows(path) == []
    assert (path.parent / "records.damaged-2").read_bytes() == b"again"


def test_a_database_of_someone_else_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE photos (name)")
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(Invalid, match="someone else's database"):
        File.open(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    written(path, put("a"))
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 7")
    newer.close()
    with pytest.raises(Invalid, match=r"newer version \(7; this one knows 1\).*run that version"):
        File.open(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_can_hold_no_file_is_refused_plainly(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in (tmp_path, tmp_path / "none" / "records", tmp_path / "link"):
        with pytest.raises(Invalid, match="cannot hold records"):
            File.open(place)
    assert not os.path.exists(tmp_path / "elsewhere")
