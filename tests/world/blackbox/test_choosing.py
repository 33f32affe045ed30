"""Whom a workload is connected to, and which addresses it gets: one world with a bit of all."""

from collections import Counter
from ipaddress import ip_interface

import pytest

from .lab import Json, Lab, Mesh

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2, n-3]
services:
  green:
    matches:
      - source_selector: {env: prod}
        routes: [{destination_selector: {tier: gold}}]
      - routes: [{destination_selector: {tier: tin}}]
  beside:
    matches:
      - routes: [{destination_selector: {nodeName: "{{.nodeName}}"}}]
  wire: {payload: ETHERNET}
endpoints:
  six: {node: n-2, serves: six, run: icmp-responder, cidr: ["2001:db8:6::/112"]}
  dual: {node: n-3, serves: [dual, other], run: icmp-responder,
         cidr: [10.50.0.0/24, "2001:db8:7::/112"]}
  tiny: {serves: tiny, run: icmp-responder, cidr: [10.60.0.0/31, "2001:db8:8::/127"]}
  gold: {node: n-2, serves: green, run: icmp-responder, cidr: [10.61.0.0/24], labels: {tier: gold}}
  tin: {node: n-2, serves: green, run: icmp-responder, cidr: [10.62.0.0/24], labels: {tier: tin}}
  here: {node: n-1, serves: beside, run: icmp-responder, cidr: [10.63.0.0/24]}
  there: {node: n-2, serves: beside, run: icmp-responder, cidr: [10.64.0.0/24]}
  turn: {node: n-2, serves: turns, run: icmp-responder, cidr: [10.65.0.0/24], replicas: 2}
  ether: {node: n-2, serves: wire, run: icmp-responder, cidr: [10.66.0.0/24]}
workloads:
  only-six: {node: n-1, wants: kernel://six/nsm-1}
  many: {node: n-1, wants: [kernel://dual/nsm-1, kernel://tiny/nsm-2, kernel://six/nsm-3]}
  second: {node: n-2, wants: kernel://other/nsm-1}
  rich: {node: n-3, wants: kernel://green/nsm-1?env=prod}
  poor: {node: n-3, wants: kernel://green/nsm-1?env=test}
  near-1: {node: n-1, wants: kernel://beside/nsm-1}
  near-2: {node: n-2, wants: kernel://beside/nsm-1}
  taker: {node: n-1, wants: kernel://turns/nsm-1, replicas: 4}
  plugged: {node: n-1, wants: kernel://wire/nsm-1}
  unnamed: {node: n-1, wants: kernel://dual}
"""


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    return lab.up("choose", WORLD)


@pytest.fixture(scope="module")
def found(mesh: Mesh) -> Json:
    """Every workload's vWires, read once."""
    return {one["name"]: one["connections"] for one in mesh.status()["workloads"]}


def families(wire: Json) -> list[list[int]]:
    return [[ip_interface(one).version for one in wire[side]] for side in ("src", "dst")]


@pytest.mark.parametrize(
    ("who", "service"),
    [
        ("only-six", "six"),
        ("many", "dual"),
        ("many", "tiny"),
        ("many", "six"),
        ("second", "other"),
        ("rich", "green"),
        ("near-1", "beside"),
        ("near-2", "beside"),
        ("taker-4", "turns"),
        ("plugged", "wire"),
        ("unnamed", "dual"),
    ],
)
def test_every_service_answers(mesh: Mesh, who: str, service: str) -> None:
    assert mesh.pings(who, service)


def test_an_ipv6_prefix_alone_gives_ipv6_addresses_alone(found: Json) -> None:
    assert families(found["only-six"][0]) == [[6], [6]]


def test_a_prefix_of_each_family_gives_a_pair_of_each(found: Json) -> None:
    assert families(found["many"][0]) == [[4, 6], [4, 6]]


def test_the_smallest_prefixes_hold_one_pair(mesh: Mesh, found: Json) -> None:
    wire = found["many"][1]
    assert wire["src"] == ["10.60.0.1/32", "2001:db8:8::1/128"]
    assert wire["dst"] == ["10.60.0.0/32", "2001:db8:8::/128"]
    assert mesh.pings("many", "2001:db8:8::")


def test_a_workload_has_a_vwire_for_each_thing_it_wants(found: Json) -> None:
    assert [(one["interface"], one["endpoint"], one["id"]) for one in found["many"]] == [
        ("nsm-1", "dual", "many-0"),
        ("nsm-2", "tiny", "many-1"),
        ("nsm-3", "six", "many-2"),
    ]


def test_an_endpoint_serves_under_each_of_its_names(mesh: Mesh, found: Json) -> None:
    assert (found["second"][0]["endpoint"], found["second"][0]["service"]) == ("dual", "other")
    assert mesh.endpoint("dual")["services"] == ["dual", "other"]


def test_labels_choose_the_endpoint(found: Json) -> None:
    chosen = [found[who][0]["endpoint"] for who in ("rich", "poor")]
    assert chosen == ["gold", "tin"]


def test_a_template_chooses_the_endpoint_on_ones_own_node(found: Json) -> None:
    chosen = [found[who][0]["endpoint"] for who in ("near-1", "near-2")]
    assert chosen == ["here", "there"]
    assert [found[who][0]["remote_mechanism"] for who in ("near-1", "near-2")] == [None, None]


def test_requests_take_turns(found: Json) -> None:
    chosen = Counter(found[f"taker-{number}"][0]["endpoint"] for number in range(1, 5))
    assert chosen == {"turn-1": 2, "turn-2": 2}


def test_an_interface_that_is_not_named_is_named_for_its_service(mesh: Mesh, found: Json) -> None:
    interface = found["unnamed"][0]["interface"]
    assert interface.startswith("dual-")
    assert len(interface) <= 15
    assert mesh.exec("unnamed", "ip", "-o", "link", "show", interface).code == 0


def test_connections_are_counted_where_they_end(mesh: Mesh) -> None:
    counted = {one["name"]: one["connections"] for one in mesh.status()["endpoints"]}
    assert (counted["six"], counted["dual"], counted["turn-1"], counted["gold"]) == (2, 3, 2, 1)


def test_every_interface_has_the_addresses_that_status_says(mesh: Mesh, found: Json) -> None:
    shown = mesh.exec("many", "ip", "-o", "addr").out
    for wire in found["many"]:
        for address in wire["src"]:
            assert f"{wire['interface']} " in shown
            assert f" {address} " in shown
