"""What a workload stands on: its default interface, how large packets may be, whom it reaches."""

from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path

import pytest

from .lab import EXAMPLES, Lab, Mesh, run

pytestmark = [pytest.mark.linux, pytest.mark.world]

REFUSED = """
import errno, socket
for address, port in {targets!r}:
    try:
        socket.create_connection((address, port), 0.3)
        print("reached", address)
    except OSError:
        pass
"""


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    return lab.up("ground", (EXAMPLES / "two-nodes.yaml").read_text())


def default_addresses(mesh: Mesh, who: str) -> dict[int, str]:
    words = mesh.exec(who, "ip", "-o", "addr", "show", "dev", "eth0", "scope", "global").out.split()
    addresses = [ip_interface(word).ip for word in words if "/" in word and word[0] in "1f"]
    return {address.version: str(address) for address in addresses}


@pytest.mark.parametrize("who", ["near", "far", "responder"])
def test_everybody_has_a_default_interface_with_both_families(mesh: Mesh, who: str) -> None:
    assert default_addresses(mesh, who).keys() == {4, 6}
    assert " dev eth0 " in mesh.exec(who, "ip", "route", "show", "default").out
    assert " dev eth0 " in mesh.exec(who, "ip", "-6", "route", "show", "default").out


def test_a_vwire_takes_no_default_route_away(mesh: Mesh) -> None:
    through = mesh.exec("far", "ip", "route", "show", "dev", "nsm-1").out.splitlines()
    there = mesh.wire("far")["dst"][0].partition("/")[0]
    assert [line.split()[0] for line in through] == [there]


@pytest.mark.parametrize(("who", "whom"), [("near", "far"), ("far", "near"), ("near", "responder")])
def test_workloads_reach_each_others_default_addresses(mesh: Mesh, who: str, whom: str) -> None:
    for address in default_addresses(mesh, whom).values():
        assert mesh.exec(who, "ping", "-c1", "-W2", address).code == 0


@pytest.mark.parametrize(("who", "mtu"), [("near", 1500), ("far", 1450)])
def test_a_full_packet_passes_and_one_byte_more_does_not(mesh: Mesh, who: str, mtu: int) -> None:
    wire = mesh.wire(who)
    assert wire["mtu"] == mtu
    assert f" mtu {mtu} " in mesh.exec(who, "ip", "-o", "link", "show", wire["interface"]).out
    for dst in wire["dst"]:
        address = ip_interface(dst).ip
        room = mtu - 8 - (20 if address.version == 4 else 40)
        ping = ("ping", "-c1", "-W0.5", "-M", "do", str(address), "-s")
        assert mesh.exec(who, *ping, str(room)).code == 0
        assert mesh.exec(who, *ping, str(room + 1)).code != 0


def test_both_ends_of_a_vwire_have_the_same_mtu(mesh: Mesh) -> None:
    links = mesh.exec("responder", "ip", "-o", "link", "show", "up").out.splitlines()
    others = [line for line in links if ": lo:" not in line and ": eth0@" not in line]
    assert sorted(line.split(" mtu ")[1].split()[0] for line in others) == ["1450", "1500"]


@pytest.mark.parametrize("who", ["near", "far", "responder", "node-1"])
def test_nobody_reaches_the_host_or_the_internet(mesh: Mesh, who: str) -> None:
    shown = run("ip", "-o", "addr", "show", "scope", "global").out.splitlines()
    hosts = [str(ip_interface(line.split()[3]).ip) for line in shown]
    targets = [(address, 22) for address in (*hosts, "1.1.1.1", "2606:4700:4700::1111")]
    assert mesh.python(who, REFUSED.format(targets=targets)).said == ""
    assert mesh.exec(who, "ping", "-c1", "-W0.3", "1.1.1.1").code != 0


def test_a_workload_has_a_resolver_file_of_its_own(mesh: Mesh) -> None:
    before = Path("/etc/resolv.conf").read_text()
    assert mesh.exec("near", "sh", "-c", "echo '# mine' >> /etc/resolv.conf").code == 0
    assert "# mine" in mesh.exec("near", "cat", "/etc/resolv.conf").out
    assert "# mine" not in mesh.exec("far", "cat", "/etc/resolv.conf").out
    assert Path("/etc/resolv.conf").read_text() == before


def test_a_workload_sees_its_own_interfaces_in_sys(mesh: Mesh) -> None:
    shown = set(mesh.exec("near", "ls", "/sys/class/net").out.split())
    assert shown == {"lo", "eth0", "nsm-1"}


def test_what_the_mesh_uses_is_in_its_own_prefixes(mesh: Mesh) -> None:
    for who in ("near", "far", "responder"):
        own = default_addresses(mesh, who)
        assert ip_address(own[4]) in ip_network("100.64.0.0/10")
        assert ip_address(own[6]).is_private


def test_the_namespaces_are_where_status_says(mesh: Mesh) -> None:
    status = mesh.status()
    for part in (*status["workloads"], *status["endpoints"]):
        expected = f"/run/nsm/{mesh.name}/netns/{part['name']}"
        assert part["netns"] == expected
        inside = mesh.exec(part["name"], "readlink", "/proc/self/ns/net").out.strip()
        assert inside == f"net:[{Path(expected).stat().st_ino}]"


def test_every_pid_is_a_process_that_stands_where_it_should(mesh: Mesh) -> None:
    for workload in mesh.status()["workloads"]:
        there = Path(f"/proc/{workload['pid']}/ns/net").stat().st_ino
        assert there == Path(workload["netns"]).stat().st_ino
