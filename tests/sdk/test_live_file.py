import os
from pathlib import Path

import pytest

from nsm.errors import Invalid
from nsm.sdk.clock import LoopClock
from nsm.sdk.live_file import LARGEST, LiveFile

pytestmark = pytest.mark.looptime


def word(text: bytes) -> str:
    if b" " in text:
        raise Invalid("two words")
    return text.decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


async def later(live: LiveFile[str]) -> str:
    await live.clock.sleep(1.0)
    return live()


async def test_a_file_is_read_again_when_it_changes_comes_and_goes(path: Path) -> None:
    live = LiveFile(str(path), word, "none", LoopClock())
    assert live() == "none"
    path.write_text("one")
    assert await later(live) == "one"
    path.write_text("three")
    assert await later(live) == "three"
    path.unlink()
    assert await later(live) == "none"


async def test_what_makes_no_sense_leaves_the_last_good_meaning(path: Path) -> None:
    path.write_text("good")
    live = LiveFile(str(path), word, "none", LoopClock())
    assert live() == "good"
    path.write_text("not good")
    assert await later(live) == "good"
    path.write_bytes(b"x" * (LARGEST + 1))
    assert await later(live) == "good"


async def test_a_pipe_in_its_place_holds_nothing_up(path: Path) -> None:
    os.mkfifo(path)
    assert LiveFile(str(path), word, "none", LoopClock())() == "none"


async def test_on_demand_what_is_missing_or_wrong_is_an_error(path: Path) -> None:
    live = LiveFile(str(path), word, "none", LoopClock())
    with pytest.raises(Invalid, match="No such file"):
        live.demand()
    path.write_text("not good")
    with pytest.raises(Invalid, match="two words"):
        live.demand()
    path.write_text("good")
    assert live.demand() == "good"
