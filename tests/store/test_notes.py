"""What is noted is known to the next life, until it is over; and a file may say anything."""

from pathlib import Path

import pytest

from nsm.sdk.clock import LoopClock
from nsm.store import notes as module
from nsm.store.notes import FORMAT, LONGEST, SPARE, Notes

pytestmark = pytest.mark.looptime
CLOCK = LoopClock()


def notes(folder: Path) -> Notes:
    return Notes(folder / "made" / "x.notes", CLOCK)


def soon() -> float:
    return CLOCK.now() + 60


async def test_what_was_noted_last_is_known_to_the_next_life(tmp_path: Path) -> None:
    before = notes(tmp_path)
    before.put("a", ("10.0.0.0", "10.0.0.1"), soon())
    before.put("b", ("x",), soon())
    before.put("c", ("over",), CLOCK.now())
    before.put("b", ("y",), soon() + 1)
    before.drop("a")
    before.drop("never noted")
    before.put("d\n", ("z",), soon())
    after = notes(tmp_path)
    assert list(after) == [("b", soon() + 1, ("y",)), ("d\n", soon(), ("z",))]
    assert (after.get("a"), after.get("b"), after.until("b")) == ((), ("y",), soon() + 1)
    after.put("e", (), soon())
    assert list(notes(tmp_path)) == list(after)[:2]


async def test_what_is_over_is_known_no_more(tmp_path: Path) -> None:
    kept = notes(tmp_path)
    kept.put("a", ("x",), soon())
    await CLOCK.sleep(59)
    assert kept.get("a") == ("x",)
    await CLOCK.sleep(1)
    assert kept.get("a") == ()


async def test_the_file_is_its_owners_alone_and_grows_no_longer_than_twice_what_it_says(
    tmp_path: Path,
) -> None:
    kept = notes(tmp_path)
    for number in range(3 * SPARE):
        kept.put(f"a{number % 10}", (str(number),), soon())
    [file] = (tmp_path / "made").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes().splitlines()) <= SPARE + 21
    assert sorted(notes(tmp_path)) == sorted(kept)


async def test_no_more_is_noted_than_there_is_room_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    kept = notes(tmp_path)
    for key in ("a", "b", "c", "a"):
        kept.put(key, (key,), soon())
    assert sorted(key for key, *_ in notes(tmp_path)) == ["a", "b"]


GOOD = b'\n["a",1800000060.0,["x"]]'


@pytest.mark.parametrize(
    "said",
    [
        GOOD + b'\n["b",1800000060.0,["y"',
        GOOD + b"\n\xff\xfe\n[]\n{}\nnull\n[1,2,3]\n" + b"[" * 5000,
        GOOD + b'\n["b",1800000060.0,"y"]\n["b","x",["y"]]\n["b",null,["y"]]',
        GOOD + b'\n["b",1800000060.0,["' + b"y" * 301 + b'"]]',
        GOOD + b'\n["b",1800000060.0,[' + b'"y",' * 64 + b'"y"]]',
        GOOD + b'\n["b",-1e308,["y"]]\n["b",1e999,["y"]]',
        b'\n["a",1e300,["x"]]',
    ],
    ids=["torn", "nonsense", "other kinds", "long", "many", "never", "for ever"],
)
async def test_lines_that_say_what_they_should_not_spoil_no_others(
    tmp_path: Path, said: bytes
) -> None:
    file = tmp_path / "made" / "x.notes"
    file.parent.mkdir()
    file.write_bytes(FORMAT + said)
    kept = notes(tmp_path)
    assert [key for key, until, _ in kept if until <= CLOCK.now() + LONGEST] == ["a"]
    kept.put("c", ("z",), soon())
    assert [key for key, *_ in notes(tmp_path)] == ["a", "c"]


async def test_what_follows_a_torn_line_is_read(tmp_path: Path) -> None:
    kept = notes(tmp_path)
    kept.put("a", ("x",), soon())
    with kept.file.open("ab") as file:
        file.write(b'\n["b",18000')
    kept.put("c", ("z",), soon())
    assert [key for key, *_ in notes(tmp_path)] == ["a", "c"]


@pytest.mark.parametrize("damage", [b"\xff", b"", FORMAT + GOOD + b" " * (1 << 24)])
async def test_a_file_that_is_none_of_ours_makes_room_for_ours(
    tmp_path: Path, damage: bytes
) -> None:
    file = tmp_path / "made" / "x.notes"
    file.parent.mkdir()
    file.write_bytes(damage)
    kept = notes(tmp_path)
    assert not list(kept)
    kept.put("a", ("x",), soon())
    assert [key for key, *_ in notes(tmp_path)] == ["a"]


async def test_what_a_later_version_keeps_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "made" / "x.notes"
    file.parent.mkdir()
    file.write_bytes(b"nsm notes 2" + GOOD)
    kept = notes(tmp_path)
    kept.put("b", ("x",), soon())
    assert file.read_bytes() == b"nsm notes 2" + GOOD


async def test_where_nothing_can_be_written_nothing_else_is_hindered(
    tmp_path: Path, caplog
) -> None:
    (tmp_path / "made").touch()
    kept = notes(tmp_path)
    kept.put("a", ("x",), soon())
    kept.put("a", ("y",), soon())
    assert kept.get("a") == ("y",)
    (tmp_path / "made").unlink()
    kept.put("b", ("z",), soon())
    assert not list(notes(tmp_path))
    assert caplog.text.count("a restart will not know") == 1
