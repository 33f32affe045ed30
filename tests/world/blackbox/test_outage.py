"""A world without its registry: what is known can be had, what dies is left, all is told again."""

import pytest

from .lab import Lab, eventually

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2]
endpoints:
  near: {node: n-1, serves: near, run: icmp-responder, cidr: [172.16.1.0/24]}
  far: {node: n-2, serves: far, run: icmp-responder, cidr: [172.16.2.0/24]}
  twin: {node: n-2, serves: far, run: icmp-responder, cidr: [172.16.3.0/24]}
workloads:
  one: {node: n-1, wants: kernel://near/nsm-1}
  two: {node: n-1, wants: kernel://far/nsm-1}
"""


def test_new_vwires_are_made_and_the_dead_left_out_while_the_registry_is_down(lab: Lab) -> None:
    mesh = lab.up("outage", WORLD)
    mesh.ok("kill", "registry")
    for workload in ("one", "two"):
        mesh.ok("kill", workload, "--gone")
        mesh.ok("restart", workload)
    mesh.ok("wait", "one", "two", "--timeout", "20s")
    assert mesh.pings("one", "near")
    assert mesh.pings("two", "far")
    serving = mesh.wire("two")["endpoint"]
    other = {"far": "twin", "twin": "far"}[serving]
    mesh.ok("kill", serving, "--gone")
    eventually(lambda: mesh.wire("two")["endpoint"] == other, 20)
    eventually(lambda: mesh.pings("two", "far"), 20)
    mesh.ok("restart", "registry")
    mesh.ok("kill", "one", "--gone")
    mesh.ok("restart", "one")
    mesh.ok("wait", "one", "--timeout", "30s")
    eventually(lambda: mesh.pings("one", "near"), 20)
