import asyncio
import os
from pathlib import Path

import pytest

from nsm.admission import Question, judge
from nsm.admission.live import LiveRules
from nsm.errors import Invalid
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime
DENY, ALLOW = "default: deny", "default: allow"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(DENY)
    return path


async def allowed(live: LiveRules) -> bool:
    for _ in range(2):
        await live.files[0].clock.sleep(0.25)
        live()
    return judge(live(), Question(who="spiffe://a/b", service="s")).allowed


async def test_a_change_holds_from_the_next_look_on(path: Path) -> None:
    live = LiveRules([str(path)], LoopClock())
    assert not await allowed(live)
    assert live() is live()
    path.write_text(ALLOW)
    assert await allowed(live)


async def test_a_file_that_is_still_being_written_is_not_read(path: Path) -> None:
    live = LiveRules([str(path)], LoopClock())
    for length in range(1, 8):
        path.write_text(f"default: allow{' ' * length}\n")
        now = live.files[0].clock.now()
        os.utime(path, (now, now))
        await live.files[0].clock.sleep(0.2)
        assert not live().allow
    assert await allowed(live)


async def test_a_change_that_nobody_looked_at_holds_for_the_first_who_asks(path: Path) -> None:
    live = LiveRules([str(path)], LoopClock())
    path.write_text(ALLOW)
    now = live.files[0].clock.now()
    os.utime(path, (now, now))
    await live.files[0].clock.sleep(60)
    assert live().allow


async def test_rules_that_make_no_sense_or_vanish_change_nothing(path: Path) -> None:
    live = LiveRules([str(path)], LoopClock())
    for text in ("rules: 7", "default: [", "x" * (2 << 20)):
        path.write_text(text)
        assert not await allowed(live)
    path.unlink()
    assert not await allowed(live)
    path.write_text(ALLOW)
    assert await allowed(live)


@pytest.mark.parametrize("text", [None, "rulez: []", "", "x" * (2 << 20)])
async def test_to_begin_with_they_must_be_there_and_right(path: Path, text: str | None) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(Invalid):
        LiveRules([str(path)], LoopClock())


async def test_a_pipe_or_folder_is_no_file_of_rules(path: Path, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    for place in (pipe, tmp_path):
        with pytest.raises(Invalid):
            LiveRules([str(place)], LoopClock())


async def test_a_second_file_speaks_where_the_first_leaves_it_open(path: Path) -> None:
    more = path.with_name("more.yaml")
    more.write_text("rules: [{name: b-only, allow: use, who: spiffe://a/b}]")
    live = LiveRules([str(path), str(more)], LoopClock())
    assert await allowed(live)
    path.write_text("rules: [{name: nobody, deny: use}]")
    assert not await allowed(live)


async def test_a_long_file_holds_nothing_up(path: Path) -> None:
    live = LiveRules([str(path)], LoopClock())
    rules = "\n".join("- {allow: use, who: spiffe://a/*, service: s}" for _ in range(2000))
    for text, name in ((f"rules:\n{rules}", "rules[1]"), (f"rules: 7\n#{rules}", "rules[1]")):
        path.write_text(text)
        await allowed(live)
        reading = live.files[0].reading
        assert reading
        await asyncio.wait([reading])
        assert live().rules[0].name == name


async def test_a_function_is_read_again_and_the_last_good_one_holds_on(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    path.write_text("def admit(asked): return False")
    live = LiveRules([str(path)], LoopClock())
    assert not await allowed(live)
    path.write_text("def admit(asked): return True")
    assert await allowed(live)
    for bad in ("def admit(asked", "raise SystemExit", "admit = None"):
        path.write_text(bad)
        assert await allowed(live)
    path.write_text("def admit(asked): return 'never'")
    assert not await allowed(live)
