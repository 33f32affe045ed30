"""What breaks is mended: programs that die, namespaces that go, whole nodes."""

import os
import signal

import pytest

from .lab import Lab, Mesh, eventually

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2]
services:
  safe:
    matches:
      - {source_selector: {app: wall}, routes: [{destination_selector: {app: end}}]}
      - {routes: [{destination_selector: {app: wall}}]}
endpoints:
  wall: {node: n-1, serves: safe, run: firewall, labels: {app: wall}}
  end: {node: n-2, serves: safe, run: icmp-responder, labels: {app: end}, replicas: 2,
        cidr: [172.16.3.0/24]}
  one: {node: n-2, serves: icmp-responder, run: icmp-responder, cidr: [172.16.1.0/24]}
  two: {node: n-1, serves: icmp-responder, run: icmp-responder, cidr: [172.16.2.0/24]}
workloads:
  web: {node: n-1, wants: kernel://icmp-responder/nsm-1, run: [sleep, infinity]}
  shop: {node: n-1, wants: kernel://safe/nsm-1}
"""


@pytest.fixture(scope="module")
def kept(lab: Lab) -> Mesh:
    return lab.up("fault", WORLD)


@pytest.fixture
def mesh(kept: Mesh) -> Mesh:
    """Everything is up, whatever was broken before."""
    for process in kept.status()["processes"]:
        if process["state"] == "down":
            kept.ok("restart", process["name"])
    kept.ok("wait", "--timeout", "20s")
    return kept


def healed(mesh: Mesh) -> bool:
    workload = mesh.workload("web")
    serving = {one["name"] for one in mesh.status()["endpoints"] if one["state"] == "up"}
    wire = workload["connections"][0]
    up = wire["state"] == workload["state"] == "up"
    return up and wire["endpoint"] in serving and mesh.pings("web", "icmp-responder")


@pytest.mark.parametrize("how", [(), ("--gone",)], ids=["killed", "gone"])
def test_when_its_endpoint_dies_a_client_is_reconnected_to_another(
    mesh: Mesh, how: tuple[str, ...]
) -> None:
    before = mesh.wire("web")
    other = {"one": "two", "two": "one"}[before["endpoint"]]
    mesh.ok("kill", before["endpoint"], *how)
    eventually(lambda: mesh.wire("web")["endpoint"] == other)
    eventually(lambda: healed(mesh))
    after = mesh.wire("web")
    assert after["heals"] > before["heals"]
    assert after["id"] == before["id"]
    assert len(after["src"]) == len(after["dst"]) == 1, "no address of the other is left"
    assert mesh.process(before["endpoint"])["state"] == "down"
    assert mesh.process(before["endpoint"])["pid"] is None
    told = mesh("status", "-o", "json", "--heals").json["workloads"]
    last = next(one for one in told if one["name"] == "web")["connections"][0]["healed"]
    assert last["died"] == before["endpoint"]
    assert last["carried_at"] > last["noticed_at"]


def test_when_the_end_of_a_chain_dies_the_chain_is_led_to_another(mesh: Mesh) -> None:
    before = mesh.wire("shop")["path"]
    mesh.ok("kill", before[-1])
    eventually(lambda: mesh.wire("shop")["path"][-1] not in (before[-1], "wall-client"))
    eventually(lambda: mesh.pings("shop", "safe"))
    after = mesh.wire("shop")
    assert (after["endpoint"], len(after["path"])) == ("wall", len(before))
    mesh.ok("restart", before[-1])


@pytest.mark.slow
def test_when_the_middle_of_a_chain_comes_back_packets_pass_again(mesh: Mesh) -> None:
    mesh.ok("kill", "wall", "--gone")
    eventually(lambda: mesh.wire("shop")["state"] != "up")
    mesh.ok("restart", "wall")
    mesh.ok("wait", "shop", "--timeout", "10s")
    assert mesh.pings("shop", "safe")


@pytest.mark.slow
def test_what_was_killed_stays_down_until_it_is_restarted(mesh: Mesh) -> None:
    mesh.ok("kill", "two")
    assert mesh.endpoint("two")["state"] == "down"
    assert mesh("status").code == 1
    mesh.ok("restart", "two")
    mesh.ok("wait", "two", "--timeout", "10s")
    assert mesh.process("two")["state"] == "up"


def test_a_workload_that_is_gone_comes_back_whole(mesh: Mesh) -> None:
    netns = f"/run/nsm/{mesh.name}/netns/web"
    before = mesh.process("web/run")["pid"]
    mesh.ok("kill", "web", "--gone")
    assert not os.path.exists(netns)
    assert not os.path.exists(f"/proc/{before}")
    assert mesh.workload("web")["state"] == "down"
    assert mesh.exec("web", "true").code != 0
    mesh.ok("restart", "web")
    mesh.ok("wait", "web", "--timeout", "15s")
    assert healed(mesh)
    eventually(lambda: mesh.process("web/run")["state"] == "up")
    shown = mesh.exec("web", "ip", "-o", "link").out
    assert shown.count("nsm-1") == 1


def test_a_client_that_dies_by_itself_is_started_again_and_loses_nothing(mesh: Mesh) -> None:
    interface = mesh.exec("web", "cat", "/sys/class/net/nsm-1/ifindex").out
    pid = mesh.workload("web")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: mesh.workload("web")["pid"] not in (pid, None))
    eventually(lambda: healed(mesh))
    assert mesh.process("web")["restarts"] >= 1
    assert mesh.exec("web", "cat", "/sys/class/net/nsm-1/ifindex").out == interface


@pytest.mark.slow
@pytest.mark.parametrize("who", ["n-1", "n-2", "registry", "identity"])
def test_what_serves_everybody_may_die_and_come_back(mesh: Mesh, who: str) -> None:
    name = mesh.ok("kill", who, "-o", "json").json["name"]
    assert mesh.process(name)["state"] == "down"
    mesh.ok("restart", who)
    mesh.ok("wait", "--timeout", "20s")
    eventually(lambda: healed(mesh), 15)


@pytest.mark.slow
def test_packets_pass_while_everything_that_could_control_them_is_dead(mesh: Mesh) -> None:
    wire = mesh.wire("web")
    there = wire["dst"][0].partition("/")[0]
    for who in ("registry", "n-1", "n-2"):
        mesh.ok("kill", who)
    try:
        assert mesh.exec("web", "ping", "-c3", "-i0.05", "-W1", there).code == 0
    finally:
        for who in ("registry", "n-1", "n-2"):
            mesh.ok("restart", who)
    mesh.ok("wait", "--timeout", "20s")


@pytest.mark.slow
def test_a_new_vwire_is_made_after_a_node_came_back(mesh: Mesh) -> None:
    for node in ("n-1", "n-2"):
        mesh.ok("kill", node)
        mesh.ok("restart", node)
    mesh.ok("wait", "--timeout", "20s")
    mesh.ok("kill", "web", "--gone")
    mesh.ok("restart", "web")
    mesh.ok("wait", "web", "--timeout", "15s")
    assert healed(mesh)


def test_a_vwire_that_was_torn_by_hand_is_made_again(mesh: Mesh) -> None:
    assert mesh.exec("web", "ip", "link", "del", "nsm-1").code == 0
    eventually(lambda: mesh.pings("web", "icmp-responder"))
