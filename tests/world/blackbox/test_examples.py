"""The worlds that come with the project come up, ping, and are listed as their contract says."""

from ipaddress import ip_interface

import pytest

from .lab import EXAMPLES, Lab, Mesh

pytestmark = [pytest.mark.linux, pytest.mark.world]


@pytest.fixture(scope="module")
def hello(lab: Lab) -> Mesh:
    return lab.up("hello", (EXAMPLES / "hello.yaml").read_text())


@pytest.fixture(scope="module")
def two_nodes(lab: Lab) -> Mesh:
    return lab.up("two", (EXAMPLES / "two-nodes.yaml").read_text())


@pytest.fixture(scope="module")
def gateway(lab: Lab) -> Mesh:
    return lab.up("gate", (EXAMPLES / "secure-gateway.yaml").read_text())


def test_hello_is_four_hops_and_pings(hello: Mesh) -> None:
    wire = hello.wire("client")
    assert wire["path"] == ["client", "manager-node-1", "forwarder-node-1", "responder"]
    assert (wire["src"], wire["dst"]) == (["172.16.1.1/32"], ["172.16.1.0/32"])
    assert (wire["mechanism"], wire["remote_mechanism"]) == ("KERNEL", None)
    assert wire["mtu"] == 1500
    assert hello.pings("client", "icmp-responder")


def test_a_vwire_within_a_node_is_a_pair_and_one_between_nodes_a_tunnel(two_nodes: Mesh) -> None:
    near, far = two_nodes.wire("near"), two_nodes.wire("far")
    assert (near["remote_mechanism"], far["remote_mechanism"]) == (None, "VXLAN")
    assert len(near["path"]) == 4
    assert far["path"] == [
        "far",
        *("manager-node-1", "forwarder-node-1"),
        *("manager-node-2", "forwarder-node-2"),
        "responder",
    ]


@pytest.mark.parametrize("who", ["near", "far"])
def test_both_families_ping_across_each_vwire(two_nodes: Mesh, who: str) -> None:
    assert two_nodes.pings(who, "icmp-responder")
    addresses = [str(ip_interface(dst).ip) for dst in two_nodes.wire(who)["dst"]]
    assert [":" in address for address in addresses] == [False, True]
    for address in addresses:
        assert two_nodes.pings(who, address)


def test_no_two_clients_have_an_address_in_common(two_nodes: Mesh) -> None:
    wires = [two_nodes.wire(who) for who in ("near", "far")]
    addresses = [address for wire in wires for address in (*wire["src"], *wire["dst"])]
    assert len(set(addresses)) == len(addresses) == 8


def test_a_workload_is_led_through_the_firewall_to_the_gateway(gateway: Mesh) -> None:
    wire = gateway.wire("web")
    assert wire["path"] == [
        "web",
        *("manager-node-1", "forwarder-node-1"),
        *("firewall", "firewall-client"),
        *("manager-node-1", "forwarder-node-1", "manager-node-2", "forwarder-node-2"),
        "gateway",
    ]
    assert gateway.pings("web", "secure-gateway")
    assert {gateway.endpoint(name)["connections"] for name in ("firewall", "gateway")} == {1}
