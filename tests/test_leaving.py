"""What a test leaves open or running is noticed, whatever test it is."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import leaving
from tests.leaving import (
    MEMORY,
    descriptors_let_go,
    files_removed,
    tasks_ended,
    temporary_folder,
)
from tests.ours import MARK

from nsm.world.state import State, running, write_state


def test_a_descriptor_left_open_is_said() -> None:
    planted: list[int] = []
    with pytest.raises(AssertionError, match="left open: pipe"), descriptors_let_go():
        planted += os.pipe()
    for fd in planted:
        os.close(fd)


def test_what_is_closed_with_its_last_reference_is_let_go() -> None:
    class Kept:
        def __init__(self) -> None:
            self.fd = os.dup(0)
            self.itself = self

        def __del__(self) -> None:
            os.close(self.fd)

    with descriptors_let_go():
        Kept()


async def test_a_task_left_running_is_said() -> None:
    planted = asyncio.create_task(asyncio.Event().wait(), name="planted")
    with pytest.raises(AssertionError, match="left running: planted"):
        await tasks_ended()
    planted.cancel()
    await tasks_ended()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planted will not go by itself."""
    monkeypatch.setattr(leaving, "PATIENCE", 0.0)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """Of our own, so that nobody else looks there."""
    found = {name: tmp_path / name for name in ("MESHES", "NAMED", "MEMORY")}
    for name, path in found.items():
        path.mkdir()
        monkeypatch.setattr(leaving, name, path)
    return found


def test_a_temporary_file_left_behind_is_said(hasty: None) -> None:
    planted: list[str] = []
    with pytest.raises(AssertionError, match=r"left behind: .*-planted"), files_removed():
        planted.append(tempfile.mkdtemp(suffix="-planted"))
    os.rmdir(planted[0])


@pytest.mark.parametrize("place", ["MESHES", "NAMED", "MEMORY"])
def test_what_bears_our_mark_and_is_left_behind_is_said(hasty, places, place: str) -> None:
    with pytest.raises(AssertionError, match=f"{place}/x-{MARK}"), files_removed():
        (places[place] / f"x-{MARK}").touch()


@pytest.mark.parametrize("maker", [os.getpid(), 4194304], ids=["us", "somebody dead"])
def test_a_simulation_that_left_its_folder_is_said(hasty, places, maker: int) -> None:
    with pytest.raises(AssertionError, match=r"left behind: .*nsm-sim-"), files_removed():
        (places["MEMORY"] / f"nsm-sim-{maker}-x").mkdir()


def test_what_others_have_and_what_is_up_is_let_be(hasty, places) -> None:
    with files_removed():
        (places["MEMORY"] / f"nsm-sim-{os.getppid()}-x").mkdir()
        (places["NAMED"] / "theirs").touch()
        mesh = places["MESHES"] / f"x-{MARK}"
        mesh.mkdir()
        write_state(mesh / "state.json", State("x", running("supervisor", os.getpid())))


def test_temporary_files_have_a_folder_of_their_own() -> None:
    before = tempfile.gettempdir()
    with temporary_folder() as folder, tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == folder
        assert os.environ["TMPDIR"] == str(folder)
    assert not folder.exists()
    assert tempfile.gettempdir() == before == os.environ["TMPDIR"]
    assert Path(before) != MEMORY


def test_every_test_is_looked_at(request: pytest.FixtureRequest) -> None:
    looking = {"nothing_goes_on", "nothing_stays_open", "nothing_lies_about"}
    assert looking <= {*request.fixturenames}


async def test_also_what_its_loop_runs(request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("every_task_ends") is None
