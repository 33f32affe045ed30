"""The entries of a file, as they are now."""

import logging
from pathlib import Path

import pytest

from nsm.errors import Invalid
from nsm.identity.caller import Caller
from nsm.identity.changes import Changes
from nsm.identity.roster import MAX_FILE, Roster

SOMEONE = Caller(7, 1000, 100)


def entry(name: str, uid: int = 1000) -> str:
    return f"entries: [{{id: spiffe://test/{name}, uid: {uid}}}]"


def put(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "entries.yaml"


@pytest.fixture
def changes() -> Changes:
    return Changes()


def names(roster: Roster) -> list[str]:
    return [entry.id.path for entry in roster.matching(SOMEONE)]


async def test_a_changed_file_is_read_again_and_said_once(file, changes) -> None:
    put(file, entry("web"))
    roster = Roster(file, "test", changes)
    await roster.load()
    assert (names(roster), changes.count) == (["/web"], 0)
    put(file, entry("web-2"))
    await roster.refresh()
    await roster.refresh()
    assert (names(roster), changes.count) == (["/web-2"], 1)


async def test_a_file_written_anew_with_the_same_entries_is_no_change(file, changes) -> None:
    put(file, entry("web"))
    roster = Roster(file, "test", changes)
    await roster.load()
    put(file, entry("web") + "  # still\n")
    await roster.refresh()
    assert changes.count == 0


@pytest.mark.parametrize("bad", ["entries: [", "entries: [{id: nonsense}]", "\0", None])
async def test_a_bad_version_changes_nothing_and_is_said_once(file, changes, caplog, bad) -> None:
    put(file, entry("web"))
    roster = Roster(file, "test", changes)
    await roster.load()
    if bad is None:
        file.unlink()
    else:
        put(file, bad)
    with caplog.at_level(logging.ERROR):
        await roster.refresh()
        await roster.refresh()
    assert names(roster) == ["/web"]
    assert len(caplog.records) == 1
    put(file, entry("web-2"))
    await roster.refresh()
    assert names(roster) == ["/web-2"]


@pytest.mark.parametrize("bad", ["entries: [{id: nonsense}]", "#" * (MAX_FILE + 1)])
async def test_a_file_that_is_bad_from_the_start_is_an_error(file, changes, bad: str) -> None:
    put(file, bad)
    with pytest.raises(Invalid, match=r"entries\.yaml"):
        await Roster(file, "test", changes).load()


async def test_a_file_that_is_not_there_yet_is_awaited(file, changes, caplog) -> None:
    roster = Roster(file, "test", changes)
    await roster.load()
    assert "not there yet" in caplog.text
    assert names(roster) == []
    put(file, entry("web"))
    await roster.refresh()
    assert names(roster) == ["/web"]


async def test_what_is_no_file_is_an_error_from_the_start(tmp_path, changes) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        await Roster(tmp_path, "test", changes).load()
