"""`nsm client --init` makes vWires and ends, and the client that stays goes on with them."""

import re

import pytest

from .lab import NSM, Lab, Mesh, Ran, eventually

pytestmark = [pytest.mark.linux, pytest.mark.world]

MESH = """
nodes: [a, b]
endpoints:
  near: {node: a, serves: near, run: icmp-responder, cidr: [10.86.0.0/24]}
  far: {node: b, serves: far, run: icmp-responder, cidr: [10.87.0.0/24]}
workloads:
  web:
    node: a
    wants: [kernel://near/nsm-1, kernel://far/nsm-2]
"""


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    return lab.up("handover", MESH)


def init(mesh: Mesh, wishes: str, word: str, within: str = "30") -> Ran:
    """Run it where the client of `web` runs, under its name."""
    settings = [
        "NSM_NAME=web",
        f"NSM_NETWORK_SERVICES={wishes}",
        f"NSM_CONNECT_TO=unix://{mesh.root}/run/node@a/nsm.io.sock",
        f"SPIFFE_ENDPOINT_SOCKET=unix://{mesh.root}/run/identity@{mesh.name}/agent.sock",
    ]
    return mesh.exec("web", "env", *settings, "timeout", within, NSM, "client", word)


def interfaces(mesh: Mesh) -> set[str]:
    """Every vWire by name and index."""
    shown = mesh.exec("web", "ip", "-o", "link").out
    return set(re.findall(r"^(\d+: nsm-\d)", shown, re.MULTILINE))


def test_what_one_made_and_left_the_next_goes_on_with(mesh: Mesh) -> None:
    mesh.ok("kill", "web", "-s", "TERM")
    eventually(lambda: not interfaces(mesh))
    ran = init(mesh, "kernel://near/nsm-1,kernel://far/nsm-2", "--init")
    assert ran.code == 0, ran
    made = interfaces(mesh)
    assert len(made) == 2
    mesh.ok("restart", "web")
    mesh.ok("wait", "--timeout", "20s")
    assert interfaces(mesh) == made
    assert mesh.pings("web", "near")
    assert mesh.pings("web", "far")
    assert [one["heals"] for one in mesh.workload("web")["connections"]] == [0, 0]


def test_told_to_stop_on_the_way_it_leaves_nothing(mesh: Mesh) -> None:
    mesh.ok("kill", "web", "-s", "TERM")
    eventually(lambda: not interfaces(mesh))
    ran = init(mesh, "kernel://near/nsm-1,kernel://nobody-serves-this/nsm-2", "--init", within="3")
    assert "web-0 is up" in ran.said, ran
    assert "ready" not in ran.said, ran
    assert not interfaces(mesh)
    mesh.ok("restart", "web")
    mesh.ok("wait", "--timeout", "20s")


def test_other_words_are_not_taken(mesh: Mesh) -> None:
    ran = init(mesh, "kernel://near/nsm-1", "--unit")
    assert ran.code == 2, ran
    assert "--init" in ran.err
