"""Words on the command line mean what the contract says."""

from pathlib import Path

import pytest

from nsm.errors import Invalid, NotFound
from nsm.world.ground import Home
from nsm.world.jobs import Job
from nsm.world.planning import plan
from nsm.world.spec_read import read
from nsm.world.who import find

ONE = """
nodes: [node-1]
endpoints: {gw: {serves: s, run: firewall, replicas: 2}}
workloads: {web: {wants: kernel://s, run: [ls]}}
"""
TWO = "domains: {a: {}, b: {}}"


def jobs(text: str) -> dict[str, Job]:
    made = plan(read(text, Path("lab.yaml")), Home("lab", Path("/x")), Path("/"), {})
    return {one.who: Job(one) for one in made.processes}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("web", "web"),
        ("web/run", "web/run"),
        ("gw-2", "gw-2"),
        ("node-1", "node@node-1"),
        ("node@node-1", "node@node-1"),
        ("manager@node-1", "node@node-1"),
        ("forwarder@node-1", "node@node-1"),
        ("registry@lab", "registry@lab"),
        ("registry", "registry@lab"),
        ("identity", "identity@lab"),
    ],
)
def test_who_is_meant(said: str, meant: str) -> None:
    assert find(jobs(ONE), said).who == meant


@pytest.mark.parametrize("said", ["gw", "nobody", "manager@web", "node@web", "", "@"])
def test_nobody_is_meant_by_anything_else(said: str) -> None:
    with pytest.raises(NotFound, match="there are"):
        find(jobs(ONE), said)


def test_where_several_may_be_meant_one_must_be_named() -> None:
    with pytest.raises(Invalid, match="registry@a, registry@b"):
        find(jobs(TWO), "registry")
