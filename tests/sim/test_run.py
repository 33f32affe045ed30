"""Whole meshes in one process: what a seed says goes wrong, and everything holds."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from nsm.sim.run import run
from nsm.sim.story import told

SEEDS = 40
CODE = "from nsm.sim.run import run; from nsm.sim.story import told; print(run(told({})).digest)"


@pytest.fixture(autouse=True)
def what_programs_say_is_their_storys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_everything_holds_whatever_goes_wrong(seed: int) -> None:
    outcome = run(told(seed))
    assert outcome.good, f"nsm-sim {seed}: {outcome.problems}"


def test_a_large_mesh_holds_as_well() -> None:
    outcome = run(told(1, "large"))
    assert outcome.good, f"nsm-sim 1 --size large: {outcome.problems}"


@pytest.mark.parametrize("seed", [4, 9])
def test_a_seed_tells_the_same_story_in_every_process(seed: int) -> None:
    """Whatever order sets and addresses in memory have there."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", CODE.format(seed)],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(digests) == 1


def test_a_story_without_clients_can_be_told() -> None:
    """Shrinking comes to it."""
    assert run(replace(told(5), clients=())).good


def test_seeds_tell_different_stories() -> None:
    assert len({run(told(seed)).digest for seed in (5, 9, 3)}) == 3
