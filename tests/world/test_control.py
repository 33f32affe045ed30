"""Asking a supervisor that is there, that is not, or that is one of several."""

from pathlib import Path

import pytest

from nsm.errors import NotFound, Unreachable
from nsm.world.control import Control, choose, failure, meshes, missing, told
from nsm.world.ground import Home
from nsm.world.starting import alone, is_alive


def test_a_mesh_that_is_not_up_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mesh 'lab' is up"):
        Control(Home("lab", tmp_path)).ask("status")


def test_a_mesh_that_was_left_behind_does_not_answer(tmp_path: Path) -> None:
    home = Home("lab", tmp_path)
    home.root.mkdir()
    assert not is_alive(home)
    with pytest.raises(Unreachable, match="nsm down lab"):
        Control(home).ask("status")


def test_the_only_mesh_need_not_be_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mesh is up"):
        choose(None, tmp_path / "none")
    (tmp_path / "one").mkdir()
    (tmp_path / ".one.lock").touch()
    assert choose(None, tmp_path).mesh == "one"
    (tmp_path / "two").mkdir()
    assert [home.mesh for home in meshes(tmp_path)] == ["one", "two"]
    with pytest.raises(NotFound, match="one, two"):
        choose(None, tmp_path)
    assert choose("two", tmp_path).mesh == "two"


def test_an_error_survives_the_socket() -> None:
    error = NotFound("gone", hop="web", fix="look")
    again = failure(told(error))
    assert (type(again), again.cause, again.hop, again.fix) == (NotFound, "gone", "web", "look")


def test_who_is_missing_is_named_once() -> None:
    parts = {
        "processes": [{"name": "gw", "state": "down"}, {"name": "web/run", "state": "down"}],
        "endpoints": [{"name": "gw", "state": "down"}],
        "workloads": [{"name": "web", "state": "healing"}],
    }
    assert missing(parts) == ["gw", "web"]
    assert missing(parts, ["web/run"]) == ["web/run"]
    assert missing(parts, ["nobody"]) == []


def test_a_lock_leaves_nothing_behind(tmp_path: Path) -> None:
    home = Home("lab", tmp_path / "base")
    with alone(home):
        assert home.base.exists()
    assert not home.base.exists()
