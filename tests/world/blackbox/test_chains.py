"""Services made of several endpoints: passed on, across nodes, and filtered on the way."""

import os
import signal
from collections.abc import Iterator

import pytest

from .lab import NSM, Lab, Mesh, eventually, started

pytestmark = [pytest.mark.linux, pytest.mark.world]

PASSING = """
nodes: [n-1, n-2, n-3]
services:
  far:
    matches:
      - {source_selector: {step: c}, routes: [{destination_selector: {step: end}}]}
      - {source_selector: {step: b}, routes: [{destination_selector: {step: c}}]}
      - {source_selector: {step: a}, routes: [{destination_selector: {step: b}}]}
      - {routes: [{destination_selector: {step: a}}]}
  near:
    matches:
      - {source_selector: {step: b}, routes: [{destination_selector: {step: end}}]}
      - {source_selector: {step: a}, routes: [{destination_selector: {step: b}}]}
      - {routes: [{destination_selector: {step: a}}]}
endpoints:
  a: {node: n-2, serves: far, run: passthrough, labels: {step: a}}
  b: {node: n-3, serves: far, run: passthrough, labels: {step: b}}
  c: {node: n-1, serves: far, run: passthrough, labels: {step: c}}
  end: {node: n-3, serves: far, run: icmp-responder, labels: {step: end},
        cidr: [10.70.0.0/24, "2001:db8:70::/112"]}
  la: {serves: near, run: passthrough, labels: {step: a}}
  lb: {serves: near, run: passthrough, labels: {step: b}}
  lend: {serves: near, run: icmp-responder, cidr: [10.71.0.0/24], labels: {step: end}}
  beyond: {serves: beyond, run: icmp-responder, cidr: [10.72.0.0/24]}
  door: {node: n-2, serves: door, run: passthrough, wants: kernel://beyond/nsm-2}
workloads:
  wide: {wants: kernel://far/nsm-1}
  slim: {wants: kernel://near/nsm-1}
  guest: {wants: kernel://door/nsm-1}
"""


@pytest.fixture(scope="module")
def passing(lab: Lab) -> Mesh:
    return lab.up("pass", PASSING)


def test_a_chain_across_nodes_has_six_hops_for_each_and_four_more_for_the_last(
    passing: Mesh,
) -> None:
    path = passing.wire("wide")["path"]
    assert len(path) == 6 * 4
    ends = [name for name in path if not name.startswith(("manager-", "forwarder-"))]
    assert ends == ["wide", "a", "a-client", "b", "b-client", "c", "c-client", "end"]


def test_a_chain_on_one_node_has_four_hops_for_each(passing: Mesh) -> None:
    wire = passing.wire("slim")
    assert len(wire["path"]) == 4 * 3
    assert wire["remote_mechanism"] is None


def test_the_length_of_the_path_follows_the_rule(passing: Mesh) -> None:
    remote, local = passing.wire("wide")["path"], passing.wire("slim")["path"]
    assert (len(remote), len(local)) == (6 * 3 + 6, 4 * 2 + 4)


@pytest.mark.parametrize(
    ("who", "what"),
    [("wide", "far"), ("wide", "2001:db8:70::"), ("slim", "near"), ("guest", "door")],
)
def test_packets_pass_the_whole_chain(passing: Mesh, who: str, what: str) -> None:
    assert passing.pings(who, what)


def test_addresses_come_from_the_end_of_the_chain(passing: Mesh) -> None:
    assert passing.wire("wide")["dst"] == ["10.70.0.0/32", "2001:db8:70::/128"]


def test_an_endpoint_may_pass_on_to_another_service(passing: Mesh) -> None:
    path = passing.wire("guest")["path"]
    assert path[-1] == "beyond"
    assert passing.endpoint("beyond")["connections"] == 1


def test_full_packets_pass_the_whole_chain(passing: Mesh) -> None:
    mtu = passing.wire("wide")["mtu"]
    ping = ("ping", "-c1", "-W2", "-M", "do", "10.70.0.0", "-s")
    assert passing.exec("wide", *ping, str(mtu - 28)).code == 0
    assert passing.exec("wide", *ping, str(mtu - 27)).code != 0


def test_one_that_passes_on_and_is_told_to_end_closes_what_it_led_on(passing: Mesh) -> None:
    def ends() -> int:
        return passing.exec("beyond", "ip", "-o", "link").out.count("alias nsm")

    assert ends() == 1
    os.kill(passing.endpoint("door")["pid"], signal.SIGTERM)
    eventually(lambda: ends() == 0)
    eventually(lambda: passing.endpoint("door")["pid"] is None)
    passing.ok("restart", "door")
    eventually(lambda: passing.pings("guest", "door"), 60)
    assert ends() == 1


MOVING = """
nodes: [n-1, n-2]
services:
  ring:
    matches:
      - {source_selector: {app: wall}, routes: [{destination_selector: {app: end}}]}
      - {routes: [{destination_selector: {app: wall}}]}
endpoints:
  wall: {node: n-1, serves: ring, run: passthrough, labels: {app: wall}}
  end-1: {node: n-1, serves: ring, run: icmp-responder, labels: {app: end}, cidr: [10.74.1.0/24]}
  end-2: {node: n-2, serves: ring, run: icmp-responder, labels: {app: end}, cidr: [10.74.2.0/24]}
workloads:
  user: {node: n-1, wants: kernel://ring/nsm-1}
"""


def test_behind_one_that_passes_on_a_vwire_moves_and_leaves_nothing_of_where_it_led(
    lab: Lab,
) -> None:
    mesh = lab.up("moving", MOVING)
    for _ in range(2):
        before, index = mesh.wire("user"), _index(mesh)
        mesh.ok("kill", before["path"][-1])
        eventually(lambda end=before["path"][-1]: mesh.wire("user")["path"][-1] not in ("", end))
        eventually(lambda: mesh.pings("user", "ring"))
        mesh.ok("restart", before["path"][-1])
        assert _index(mesh) == index
        routes = mesh.exec("user", "ip", "route").out
        assert all(text.split("/")[0] not in routes for text in before["dst"])


def _index(mesh: Mesh) -> str:
    """Which interface the vWire is: another has another number."""
    return mesh.exec("user", "cat", "/sys/class/net/nsm-1/ifindex").out


FILTERING = """
services:
  safe:
    matches:
      - {source_selector: {app: wall}, routes: [{destination_selector: {app: end}}]}
      - {routes: [{destination_selector: {app: wall}}]}
endpoints:
  wall:
    serves: safe
    run: firewall
    labels: {app: wall}
    env:
      NSM_ACL_CONFIG: |
        - icmp type echo-request accept
        - icmpv6 type echo-request accept
        - ct state established,related accept
        - tcp dport 8080 accept
        - drop
  end: {serves: safe, run: icmp-responder, labels: {app: end},
        cidr: [10.73.0.0/24, "2001:db8:73::/112"]}
workloads:
  user: {wants: kernel://safe/nsm-1}
"""
SERVE = """
import socket, threading
def serve(port):
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        while True:
            server.accept()[0].close()
for port in (8080, 8081):
    threading.Thread(target=serve, args=(port,)).start()
"""
CONNECT = """
import socket
try:
    socket.create_connection(({!r}, {}), 1).close()
except TimeoutError:
    print("held back")
"""


@pytest.fixture(scope="module")
def filtering(lab: Lab) -> Iterator[Mesh]:
    mesh = lab.up("wall", FILTERING)
    with started(NSM, "exec", "-m", mesh.name, "end", "--", "python3", "-c", SERVE):
        listening = ("sh", "-c", "ss -ltn | grep -c -e :8080 -e :8081")
        eventually(lambda: mesh.exec("end", *listening).out.strip() == "2")
        yield mesh


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
def test_a_firewall_lets_pings_and_one_port_pass_and_holds_back_another(
    filtering: Mesh, family: int
) -> None:
    there = filtering.wire("user")["dst"][family].partition("/")[0]
    assert filtering.pings("user", there)
    passed, held = (filtering.python("user", CONNECT.format(there, p)) for p in (8080, 8081))
    assert (passed.code, passed.said) == (0, "")
    assert held.out == "held back\n"


def test_a_firewall_holds_for_what_comes_from_the_other_end_too(filtering: Mesh) -> None:
    here = filtering.wire("user")["src"][0].partition("/")[0]
    assert filtering.python("end", CONNECT.format(here, 8081)).out == "held back\n"
