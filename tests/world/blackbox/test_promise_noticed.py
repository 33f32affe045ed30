"""Death is noticed by its stream: how soon packets flow again, with bounds ten times the goals."""

import os
import signal

import pytest

from .felt import TENFOLD
from .lab import eventually
from .scenes import FAR, NEAR, ONLY, Scene, restarted

pytestmark = [pytest.mark.linux, pytest.mark.world]

ANOTHER, BACK, CUT_OFF, WHOLE = 1.0, 1.0, 3.0, 2.0
"""Goals, in seconds: another serves; it is registered again; its node is cut off; a node's programs
were restarted."""
GONE = ("--gone",)


def test_an_endpoint_that_is_gone_is_replaced_by_another_near_or_far_or_by_itself(
    scene: Scene,
) -> None:
    near, far, only = before = scene.ends()
    with scene.web.during() as felt:
        with scene.killed(*before, how=GONE):
            took = scene.web.answered(NEAR, FAR, within=TENFOLD * ANOTHER)
            assert scene.serves(NEAR) != near
            assert scene.serves(FAR) != far
        eventually(lambda: scene.mesh.endpoint(only)["state"] == "up", 20)
        back = scene.web.answered(ONLY, within=TENFOLD * BACK)
    assert felt[NEAR].remade, "it was another interface"
    assert max(felt[NEAR].silence, felt[FAR].silence) <= TENFOLD * ANOTHER, (felt, took, back)


@pytest.mark.parametrize(
    "how", ["cable", pytest.param("rule", marks=pytest.mark.slow)], ids=["cable", "rule"]
)
def test_a_node_that_is_cut_off_without_a_word_is_left_for_another(scene: Scene, how: str) -> None:
    far = scene.serves(FAR)
    node = {"far-1": "n-2", "far-2": "n-3"}[far]
    with scene.web.during() as felt, scene.cut(node, how):
        scene.web.answered(FAR, within=TENFOLD * CUT_OFF)
        assert scene.serves(FAR) != far
    assert 0 < felt[FAR].silence <= TENFOLD * CUT_OFF, felt
    assert felt[NEAR].lost == 0


@pytest.mark.parametrize(
    "node", ["n-1", pytest.param("n-2", marks=pytest.mark.slow)], ids=["ours", "theirs"]
)
def test_a_manager_and_forwarder_that_are_restarted_have_all_in_hand_again(
    scene: Scene, node: str
) -> None:
    who = f"node@{node}"
    times = restarted(scene.mesh, who)
    os.kill(scene.mesh.process(who)["pid"], signal.SIGKILL)
    eventually(lambda: restarted(scene.mesh, who) > times, TENFOLD * WHOLE)
    eventually(lambda: scene.mesh("status").code == 0, TENFOLD * WHOLE)

    def asked_again() -> bool:
        told = scene.mesh("status", "--heals", "-o", "json").json["workloads"][0]["connections"]
        healed = [one["healed"] for one in told if node == "n-1" or one["endpoint"] == "only"]
        return all(one and one["carried_at"] for one in healed)

    eventually(asked_again, TENFOLD * WHOLE)
