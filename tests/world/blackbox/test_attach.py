"""vWires for what runs anyway: attached to a pid or a namespace, and detached again."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import PREFIX, Json, Lab, Mesh, eventually, named, nsm, run, started

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2]
endpoints:
  one: {node: n-2, serves: one, run: icmp-responder, cidr: [10.90.0.0/24, "2001:db8:90::/112"]}
  two: {node: n-1, serves: two, run: icmp-responder, cidr: [10.91.0.0/24]}
workloads:
  web: {wants: kernel://two/nsm-1}
"""


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    return lab.up("guest", WORLD)


@pytest.fixture
def guest() -> Iterator[str]:
    """A namespace that is nobody's, by its name."""
    name = f"{PREFIX}{secrets.token_hex(1)}"
    assert run("ip", "netns", "add", name).code == 0
    try:
        yield name
    finally:
        run("ip", "netns", "del", name)


def interfaces(guest: str) -> str:
    return run("ip", "-n", guest, "-o", "link").out


def listed(mesh: Mesh) -> list[str]:
    return [one["name"] for one in mesh.status()["workloads"]]


def attached(mesh: Mesh, *words: str) -> Json:
    found: Json = mesh.ok("attach", *words, "-o", "json").json
    assert found["name"].startswith("attach-")
    assert found["state"] == "up"
    return found


@pytest.mark.parametrize("by", ["name", "path"])
def test_a_namespace_gets_a_vwire_and_loses_it_again(mesh: Mesh, guest: str, by: str) -> None:
    target = guest if by == "name" else f"/run/netns/{guest}"
    found = attached(mesh, target, "kernel://two/nsm-1")
    assert "nsm-1" in interfaces(guest)
    assert named(mesh.status()["workloads"], found["name"]) | {"pid": 0} == found | {"pid": 0}
    assert found["connections"][0]["endpoint"] == "two"
    assert mesh.pings(found["name"], "two")
    mesh.ok("detach", target)
    eventually(lambda: "nsm-1" not in interfaces(guest))
    assert listed(mesh) == ["web"]
    assert mesh("status").code == 0


def test_a_pid_gets_a_vwire_from_another_node(mesh: Mesh, guest: str) -> None:
    with started("ip", "netns", "exec", guest, "sleep", "100") as process:
        eventually(lambda: _inside(process.pid, guest))
        found = attached(mesh, str(process.pid), "kernel://one/wire-1", "--node", "n-1")
        assert (found["node"], found["connections"][0]["remote_mechanism"]) == ("n-1", "VXLAN")
        assert mesh.pings(found["name"], "one")
        for dst in found["connections"][0]["dst"]:
            address = dst.partition("/")[0]
            assert run("ip", "netns", "exec", guest, "ping", "-c1", "-W2", address).code == 0
        mesh.ok("detach", str(process.pid))
        eventually(lambda: "wire-1" not in interfaces(guest))


def _inside(pid: int, guest: str) -> bool:
    return Path(f"/proc/{pid}/ns/net").stat().st_ino == Path(f"/run/netns/{guest}").stat().st_ino


def test_more_vwires_are_added_and_one_is_taken_back(mesh: Mesh, guest: str) -> None:
    first = attached(mesh, guest, "kernel://two/nsm-1")
    both = attached(mesh, guest, "kernel://one/nsm-2")
    assert both["name"] == first["name"]
    assert [wire["service"] for wire in both["connections"]] == ["two", "one"]
    assert mesh.pings(first["name"], "two")
    assert mesh.pings(first["name"], "one")
    mesh.ok("detach", guest, "kernel://two/nsm-1")
    eventually(lambda: "nsm-1" not in interfaces(guest))
    eventually(lambda: mesh("wait", first["name"], "--timeout", "1s").code == 0)
    assert mesh.pings(first["name"], "one")
    mesh.ok("detach", first["name"])
    assert listed(mesh) == ["web"]


def test_the_same_again_changes_nothing_and_the_same_interface_is_refused(
    mesh: Mesh, guest: str
) -> None:
    first = attached(mesh, guest, "kernel://two/nsm-1")
    assert attached(mesh, guest, "kernel://two/nsm-1") == first
    ran = mesh("attach", guest, "kernel://one/nsm-1", "-o", "json")
    assert (ran.code, "nsm-1" in ran.json["error"]["cause"]) == (1, True)
    assert mesh.pings(first["name"], "two")
    mesh.ok("detach", guest)


def test_a_target_that_is_gone_is_no_longer_listed(mesh: Mesh) -> None:
    name = f"{PREFIX}{secrets.token_hex(1)}"
    run("ip", "netns", "add", name)
    found = attached(mesh, name, "kernel://two/nsm-1")
    run("ip", "netns", "del", name)
    eventually(lambda: found["name"] not in listed(mesh))
    eventually(lambda: mesh.endpoint("two")["connections"] == 1)


def test_what_is_attached_is_healed(mesh: Mesh, guest: str) -> None:
    found = attached(mesh, guest, "kernel://two/nsm-1")
    mesh.ok("restart", "two")
    mesh.ok("wait", "--timeout", "15s")
    eventually(lambda: mesh.pings(found["name"], "two"))
    mesh.ok("detach", guest)


ITSELF = "/proc/self/ns/net"


@pytest.mark.parametrize(
    ("target", "urls", "word"),
    [
        ("no-such-namespace", ["kernel://two/nsm-1"], "no-such-namespace"),
        ("999999999", ["kernel://two/nsm-1"], "999999999"),
        ("/etc/passwd", ["kernel://two/nsm-1"], "/etc/passwd"),
        (ITSELF, ["not a url"], "not a url"),
        (ITSELF, ["pigeon://two/nsm-1"], "pigeon"),
        (ITSELF, ["kernel://two/nsm-1?a=b,c=d"], "comma"),
    ],
)
def test_what_cannot_be_attached_is_refused(
    mesh: Mesh, target: str, urls: list[str], word: str
) -> None:
    ran = mesh("attach", target, *urls, "-o", "json")
    assert (ran.code, word in ran.json["error"]["cause"]) == (1, True), str(ran)
    assert ran.json["error"]["fix"]
    assert listed(mesh) == ["web"]


def test_attaching_to_a_service_nobody_serves_says_so(mesh: Mesh, guest: str) -> None:
    ran = mesh("attach", guest, "kernel://nobody/nsm-1", "--timeout", "1s", "-o", "json")
    assert ran.code == 1
    error = ran.json["connections"][0]["error"]
    assert "nobody" in error["cause"]
    assert error["fix"]
    mesh.ok("detach", guest)
    assert listed(mesh) == ["web"]


def test_detaching_what_is_not_attached_says_so(mesh: Mesh, guest: str) -> None:
    ran = mesh("detach", guest, "-o", "json")
    assert ran.code == 1
    assert guest in ran.json["error"]["cause"]


@pytest.mark.slow
def test_a_namespace_of_somebody_else_survives_the_mesh(bench: Lab, guest: str) -> None:
    mesh = bench.up("leave", WORLD)
    attached(mesh, guest, "kernel://two/nsm-1")
    assert nsm("down", mesh.name).code == 0
    assert run("ip", "netns", "exec", guest, "true").code == 0
    assert "nsm-1" not in interfaces(guest)
