"""What a seed says is the same each time, can be printed, and can happen."""

import pytest

from nsm.sim.faults import KINDS
from nsm.sim.story import SIZES, told


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("seed", range(30))
def test_a_seed_says_one_thing_that_can_happen(seed: int, size: str) -> None:
    story, most = told(seed, size), SIZES[size]
    assert story == told(seed, size)
    assert len(story.nodes) == most.nodes
    assert 1 <= len(story.clients) <= most.clients
    assert len(story.faults) <= most.faults
    assert {fault.kind for fault in story.faults} <= set(KINDS)
    served = {one.service for one in story.endpoints}
    assert all(set(client.services) <= served for client in story.clients)
    assert all(str(fault) in str(story) for fault in story.faults)


def test_every_kind_of_fault_happens() -> None:
    assert {fault.kind for seed in range(200) for fault in told(seed).faults} == set(KINDS)
