"""Which death? What only stops answering requests is left to carry; what is gone is replaced."""

import os
import signal

import pytest

from .felt import unharmed
from .lab import eventually
from .scenes import FAR, NEAR, ONLY, Scene

pytestmark = [pytest.mark.linux, pytest.mark.world]

WHILE = 3.0
"""Seconds in which something would have moved, if it were to."""


def test_what_carries_to_a_dead_process_is_moved_beside_it_or_stays_where_nobody_else_serves(
    scene: Scene,
) -> None:
    near, far, only = before = scene.ends()
    with scene.web.during() as felt, scene.killed(*before):
        scene.moved(NEAR, near)
        scene.moved(FAR, far)
        eventually(lambda: scene.wire(ONLY)["error"] is not None)
        assert scene.serves(ONLY) == only
    assert unharmed(felt[ONLY]), felt
    assert (felt[NEAR].remade, felt[FAR].remade) == (1, 1), "each was moved"
    assert (felt[NEAR].lost, felt[FAR].lost) == (0, 0), felt
    assert scene.serves(ONLY) == only


def test_nothing_moves_while_all_that_controls_is_dead(scene: Scene) -> None:
    before = scene.ends()
    with scene.web.during(least=WHILE) as felt, scene.killed("registry", "n-1", "n-2", "n-3"):
        assert scene.ends() == before
    scene.mesh.ok("wait", "--timeout", "30s")
    assert all(map(unharmed, felt.values())), felt
    assert scene.ends() == before


@pytest.mark.slow
@pytest.mark.parametrize("who", ["registry", "n-1", "n-2", "n-3"])
def test_nothing_moves_while_one_that_controls_is_dead(scene: Scene, who: str) -> None:
    before = scene.ends()
    with scene.web.during(least=2 * WHILE) as felt, scene.killed(who):
        assert scene.ends() == before
    scene.mesh.ok("wait", "--timeout", "30s")
    assert all(map(unharmed, felt.values())), felt
    assert scene.ends() == before


def test_nothing_moves_while_what_is_asked_is_stopped(scene: Scene) -> None:
    before = scene.ends()
    with scene.stopped(*before, "n-1", "n-2", "n-3", "registry"):
        with scene.web.during(least=WHILE) as felt:
            pass
        assert all(map(unharmed, felt.values())), felt
        assert scene.ends() == before
    scene.mesh.ok("wait", "--timeout", "30s")
    assert scene.ends() == before


@pytest.mark.slow
def test_what_is_stopped_is_left_once_a_request_has_failed(scene: Scene) -> None:
    near = scene.serves(NEAR)
    with scene.stopped(near), scene.web.during() as felt:
        os.kill(scene.mesh.workload("web")["pid"], signal.SIGKILL)
        scene.moved(NEAR, near, 90)
    assert felt[NEAR].lost == 0, felt
    assert unharmed(felt[ONLY]), felt


@pytest.mark.slow
def test_a_client_that_is_restarted_leaves_an_endpoint_that_is_gone_for_good(scene: Scene) -> None:
    near, _, only = before = scene.ends()
    client = scene.mesh.workload("web")["pid"]
    os.kill(client, signal.SIGSTOP)
    with scene.web.during() as felt, scene.killed(near, only):
        os.kill(client, signal.SIGKILL)
        scene.moved(NEAR, near)
        assert scene.serves(ONLY) in (only, None, "")
    assert felt[NEAR].lost == 0, felt
    assert unharmed(felt[ONLY]), felt
    scene.mesh.ok("wait", "--timeout", "30s")
    assert scene.ends()[1:] == before[1:]
