"""What a client keeps, it finds again; and nothing that proves anything is in the file."""

from dataclasses import replace
from pathlib import Path as File

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.components.client.memory import Memory
from nsm.errors import Unreachable
from nsm.sdk import Call
from nsm.sdk.testing import Recorder

GIVEN = Connection(
    "web-0",
    "s",
    Mechanism(LOCAL, KERNEL, {NAME: "nsm-1"}),
    path=Path(0, (Segment("web", "web-0", "secret-1", (7, 0)), Segment("nm", "x", "secret-2"))),
    endpoint="gw",
)


async def connected(folder: File) -> None:
    entry = Memory(str(folder)).bind(Recorder())
    await entry.request(Call(), Request(GIVEN))


async def test_what_was_answered_is_known_to_the_next_life(tmp_path: File) -> None:
    await connected(tmp_path / "made")
    found = await Memory(str(tmp_path / "made")).recall(["web-0", "web-1"])
    assert [*found] == ["web-0"]
    assert (found["web-0"].endpoint, found["web-0"].mechanism) == ("gw", GIVEN.mechanism)
    assert [one.id for one in found["web-0"].hops.segments] == ["web-0", "x"]


async def test_no_token_is_in_the_file_and_none_but_its_owner_may_read_it(tmp_path: File) -> None:
    await connected(tmp_path)
    [file] = tmp_path.iterdir()
    assert b"secret" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_what_was_closed_is_forgotten(tmp_path: File) -> None:
    await connected(tmp_path)
    entry = Memory(str(tmp_path)).bind(Recorder())
    await entry.close(Call(), GIVEN)
    assert not list(tmp_path.iterdir())


class Deaf(Recorder):
    """A manager that is no more."""

    async def close(self, call: Call, conn: Connection) -> None:
        raise Unreachable("nobody hears it")


async def test_what_was_closed_in_vain_is_known_to_the_next_life(tmp_path: File) -> None:
    """It stands where it stood, in the way of any other."""
    await connected(tmp_path)
    with pytest.raises(Unreachable):
        await Memory(str(tmp_path)).bind(Deaf()).close(Call(), GIVEN)
    assert "web-0" in await Memory(str(tmp_path)).recall(["web-0"])


async def test_what_was_closed_in_vain_is_known_though_a_later_close_finds_nothing(
    tmp_path: File,
) -> None:
    """Who has forgotten it says that all is well, and those behind never heard of it."""
    memory = Memory(str(tmp_path))
    await memory.bind(Recorder()).request(Call(), Request(GIVEN))
    with pytest.raises(Unreachable):
        await memory.bind(Deaf()).close(Call(), GIVEN)
    await memory.bind(Recorder()).close(Call(), GIVEN)
    assert [*await Memory(str(tmp_path)).recall(["web-0"])] == ["web-0"]
    await memory.bind(Recorder()).request(Call(), Request(GIVEN))
    await memory.bind(Recorder()).close(Call(), GIVEN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", [b"\xff", b"x" * ((1 << 20) + 1)], ids=["nonsense", "endless"])
async def test_a_damaged_file_is_passed_over(tmp_path: File, damage: bytes) -> None:
    await connected(tmp_path)
    [file] = tmp_path.iterdir()
    file.write_bytes(damage)
    assert not await Memory(str(tmp_path)).recall(["web-0"])


async def test_a_file_of_another_vwire_is_not_taken_for_ours(tmp_path: File) -> None:
    await connected(tmp_path)
    [file] = tmp_path.iterdir()
    file.rename(file.with_name("web-1.vwire"))
    assert not await Memory(str(tmp_path)).recall(["web-1"])


async def test_an_id_leads_to_no_other_folder(tmp_path: File) -> None:
    entry = Memory(str(tmp_path / "a")).bind(Recorder())
    await entry.request(Call(), Request(replace(GIVEN, id="../b")))
    assert [one.name for one in tmp_path.iterdir()] == ["a"]
    assert "../b" in await Memory(str(tmp_path / "a")).recall(["../b"])


async def test_where_nothing_can_be_written_the_vwire_is_had_all_the_same(tmp_path: File) -> None:
    (tmp_path / "file").touch()
    await connected(tmp_path / "file")
    assert not await Memory("").recall(["web-0"])
