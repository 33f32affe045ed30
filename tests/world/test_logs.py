"""Logs stay small, and their ends can be seen."""

from pathlib import Path

from nsm.world.logs import rotate, tail


def test_a_log_that_has_grown_is_put_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 100)
        writer.flush()
        rotate(tmp_path, limit=50)
        writer.write(b"more\n")
    assert log.read_bytes() == b"more\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"x" * 100


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("little")
    rotate(tmp_path, limit=50)
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("\n".join(f"line {number}" for number in range(1000)))
    assert tail(log, 2) == "line 998\nline 999"
    assert tail(tmp_path / "none.log", 2) == ""
