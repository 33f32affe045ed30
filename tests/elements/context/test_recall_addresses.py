"""What an endpoint gave is nobody else's in its next life, for as long as it was given."""

from pathlib import Path as File

import pytest

from nsm.api import cidr
from nsm.api.cidr import Address
from nsm.api.connection import Path, Segment
from nsm.api.timestamp import Timestamp
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.elements.context.recall_addresses import BUILT, RecallAddresses
from nsm.errors import Exhausted, NsmError
from nsm.sdk import Call, Connection, Request, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder
from nsm.store import Notes

pytestmark = pytest.mark.looptime
CLOCK = LoopClock()
FOUR = ("10.0.0.0/30",)


class Endpoint:
    """One life of it: groups of addresses, and notes in a folder."""

    def __init__(self, folder: File, *groups: str) -> None:
        self.groups = [AssignPointToPoint((cidr.prefix(one),)) for one in groups or FOUR]
        self.tasks, self.standing = Tasks(), self.built
        notes = Notes(folder / "notes", CLOCK)
        self.recall = RecallAddresses(
            self.groups, notes, lambda: self.standing(), CLOCK, self.tasks
        )

    async def built(self) -> list[Address]:
        """All that was ever given."""
        return [pair.dst for group in self.groups for pair in group.held.values()]

    async def ask(self, id: str, lasts: float = 60, end: Recorder | None = None) -> list[str]:
        before = Segment("fwd", "f", expires=Timestamp.at(CLOCK.now() + lasts))
        conn = Connection(id, path=Path(1, (before, Segment("nse", id))))
        entry = chain(self.recall, *self.groups).bind(end or Recorder())
        given = await entry.request(Call(), Request(conn))
        return [text.partition("/")[0] for text in given.ip.src_ip_addrs]

    async def close(self, id: str) -> None:
        await chain(self.recall, *self.groups).bind(Recorder()).close(Call(), Connection(id))


async def test_whoever_had_addresses_has_them_again_and_nobody_else_has(tmp_path: File) -> None:
    before = Endpoint(tmp_path, "10.0.0.0/24", "fd00::/64")
    assert await before.ask("a") == ["10.0.0.1", "fd00::1"]
    assert await before.ask("b") == ["10.0.0.3", "fd00::3"]
    after = Endpoint(tmp_path, "10.0.0.0/24", "fd00::/64")
    assert await after.ask("c") == ["10.0.0.5", "fd00::5"]
    assert await after.ask("b") == ["10.0.0.3", "fd00::3"]
    assert await after.ask("a") == ["10.0.0.1", "fd00::1"]


async def test_who_does_not_come_back_in_time_has_them_no_more(tmp_path: File) -> None:
    before = Endpoint(tmp_path)
    await before.ask("a")
    await before.ask("b", 90)
    await before.ask("a", 120)
    after = Endpoint(tmp_path)
    await CLOCK.sleep(89)
    with pytest.raises(Exhausted):
        await after.ask("c")
    await CLOCK.sleep(2)
    assert await after.ask("c") == ["10.0.0.3"]
    await CLOCK.sleep(40)
    assert not after.recall.awaited
    assert await Endpoint(tmp_path).ask("d") == ["10.0.0.1"]


async def test_who_came_back_keeps_them_beyond_that(tmp_path: File) -> None:
    await Endpoint(tmp_path).ask("a")
    after = Endpoint(tmp_path)
    await after.ask("a", 600)
    await CLOCK.sleep(61)
    assert (await after.ask("b"), await after.ask("a")) == (["10.0.0.3"], ["10.0.0.1"])


async def test_who_comes_back_in_vain_is_waited_for_as_long_as_before(tmp_path: File) -> None:
    await Endpoint(tmp_path).ask("a")
    after = Endpoint(tmp_path)
    with pytest.raises(Exhausted, match="no"):
        await after.ask("a", end=Recorder(failing=Exhausted("no")))
    assert await after.ask("b") == ["10.0.0.3"]
    await CLOCK.sleep(61)
    assert await after.ask("c") == ["10.0.0.1"]


async def test_what_was_closed_is_free_for_the_next_life(tmp_path: File) -> None:
    before = Endpoint(tmp_path)
    await before.ask("a")
    await before.close("a")
    assert await Endpoint(tmp_path).ask("b") == ["10.0.0.1"]


async def test_what_is_not_ours_to_give_any_more_is_not_kept(tmp_path: File) -> None:
    await Endpoint(tmp_path).ask("a")
    after = Endpoint(tmp_path, "10.1.0.0/30")
    assert not after.recall.awaited
    assert not list(after.recall.notes)
    assert await after.ask("a") == ["10.1.0.1"]


@pytest.mark.parametrize(
    "words",
    [("x", "y"), ("10.0.0.0",), ("10.0.0.0", "fd00::1"), ("10.0.0.0", "10.0.0.0"), ("", "")],
)
async def test_notes_of_what_cannot_be_hold_nothing_back(tmp_path: File, words) -> None:
    Notes(tmp_path / "notes", CLOCK).put("a", words, CLOCK.now() + 60)
    after = Endpoint(tmp_path)
    assert not after.recall.awaited
    assert not after.groups[0].pool.taken


async def test_a_connection_that_is_noted_twice_holds_one_pair_of_a_group(tmp_path: File) -> None:
    words = ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3")
    Notes(tmp_path / "notes", CLOCK).put("a", words, CLOCK.now() + 60)
    assert await Endpoint(tmp_path).ask("b") == ["10.0.0.3"]


async def test_who_left_while_nobody_was_there_to_be_told_has_them_no_more(tmp_path: File) -> None:
    before = Endpoint(tmp_path)
    await before.ask("a", 600)
    await before.ask("b", 600)
    after = Endpoint(tmp_path)

    async def standing() -> list[Address]:
        return [cidr.host("10.0.0.2")]

    after.standing = standing
    await CLOCK.sleep(BUILT - 1)
    with pytest.raises(Exhausted):
        await after.ask("c")
    await CLOCK.sleep(2)
    assert [*after.recall.awaited] == ["b"]
    assert await after.ask("c") == ["10.0.0.1"]
    assert await after.ask("b") == ["10.0.0.3"]


async def test_who_came_back_in_time_is_not_looked_for(tmp_path: File) -> None:
    await Endpoint(tmp_path).ask("a", 600)
    after = Endpoint(tmp_path)

    async def standing() -> list[Address]:
        return []

    after.standing = standing
    await after.ask("a", 600)
    await CLOCK.sleep(BUILT + 1)
    assert (await after.ask("b"), await after.ask("a")) == (["10.0.0.3"], ["10.0.0.1"])


async def test_where_nobody_can_look_they_are_kept(tmp_path: File) -> None:
    await Endpoint(tmp_path).ask("a", 600)
    after = Endpoint(tmp_path)

    async def standing() -> list[Address]:
        raise NsmError("no")

    after.standing = standing
    await CLOCK.sleep(BUILT + 1)
    assert await after.ask("b") == ["10.0.0.3"]


async def test_who_may_still_come_is_told_until_they_do(tmp_path: File) -> None:
    before = Endpoint(tmp_path)
    await before.ask("a", 60)
    until = CLOCK.now() + 60
    assert before.recall.may_come() == []
    after = Endpoint(tmp_path)
    assert after.recall.may_come() == [("a", pytest.approx(until))]
    await after.ask("a")
    assert after.recall.may_come() == []
