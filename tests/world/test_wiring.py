"""How namespaces are joined is decided before anything is done."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.ops import AddAddress, AddBridge, AddRoute, AddVeth, Op, SetLink
from nsm.world.ground import Home
from nsm.world.plan import UNDERLAY, Namespace
from nsm.world.planning import plan
from nsm.world.spec_read import read
from nsm.world.wiring import BRIDGE, DEFAULT, EVERYWHERE4, UPLINK, wiring

TEXT = """
nodes: [a, b]
endpoints: {gw: {node: b, serves: s, run: firewall}}
workloads: {web: {node: a, wants: kernel://s}}
"""


@pytest.fixture
def spaces() -> tuple[Namespace, ...]:
    mesh = read(TEXT, Path("lab.yaml"))
    return plan(mesh, Home("lab", Path("/x")), Path("/"), {}).namespaces


def joined(spaces: tuple[Namespace, ...], *only: str) -> tuple[dict[str, Netns], tuple[Op, ...]]:
    made = {space.name: Netns(-1, Key(0, number)) for number, space in enumerate(spaces)}
    return made, wiring(spaces, made, frozenset(only or made))


def test_all_is_plugged_into_the_bridge_and_pods_into_their_node(
    spaces: tuple[Namespace, ...],
) -> None:
    made, ops = joined(spaces)
    pairs = {(op.a.netns.key, op.b.netns.key) for op in ops if isinstance(op, AddVeth)}
    bridge = made[UNDERLAY].key
    assert pairs == {
        (made["registry@lab"].key, bridge),
        (made["a"].key, bridge),
        (made["b"].key, bridge),
        (made["web"].key, made["a"].key),
        (made["gw"].key, made["b"].key),
    }
    assert sum(isinstance(op, AddBridge) for op in ops) == 1
    assert {op.master for op in ops if isinstance(op, SetLink)} == {BRIDGE}


def test_the_authority_reaches_nothing(spaces: tuple[Namespace, ...]) -> None:
    made, ops = joined(spaces)
    authority = made["identity@lab"].key
    assert not any(isinstance(op, AddVeth) and op.a.netns.key == authority for op in ops)


def test_a_workload_has_its_addresses_and_its_default_route_to_its_node(
    spaces: tuple[Namespace, ...],
) -> None:
    made, ops = joined(spaces)
    own = [op for op in ops if isinstance(op, AddAddress) and op.netns == made["web"]]
    assert [(op.name, op.address.network.prefixlen) for op in own] == [
        (DEFAULT, 32),
        (DEFAULT, 128),
    ]
    node = next(space for space in spaces if space.name == "a")
    ways = {
        op.prefix: op.gateway for op in ops if isinstance(op, AddRoute) and op.netns == made["web"]
    }
    assert node.address
    assert ways[EVERYWHERE4] == node.address.v4.ip


def test_each_node_knows_the_way_to_the_others_pods(spaces: tuple[Namespace, ...]) -> None:
    made, ops = joined(spaces)
    gateway = next(space.address for space in spaces if space.name == "gw")
    ways = [
        op.prefix
        for op in ops
        if isinstance(op, AddRoute) and op.netns == made["a"] and op.name == UPLINK
    ]
    assert gateway
    assert any(isinstance(way, IPv4Network) and gateway.v4.ip in way for way in ways)


def test_interfaces_in_one_namespace_have_names_of_their_own(spaces: tuple[Namespace, ...]) -> None:
    _, ops = joined(spaces)
    ends = [
        (end.netns.key, end.name) for op in ops if isinstance(op, AddVeth) for end in (op.a, op.b)
    ]
    assert len(set(ends)) == len(ends)
    assert all(len(name) <= 15 for _, name in ends)


def test_a_pod_made_anew_is_joined_alone(spaces: tuple[Namespace, ...]) -> None:
    made, ops = joined(spaces, "web")
    assert [op.a.netns for op in ops if isinstance(op, AddVeth)] == [made["web"]]
    assert not any(isinstance(op, AddBridge) for op in ops)


def test_a_node_made_anew_takes_its_pods_back(spaces: tuple[Namespace, ...]) -> None:
    made, ops = joined(spaces, "a")
    assert {op.a.netns for op in ops if isinstance(op, AddVeth)} == {made["a"], made["web"]}


def test_an_interface_is_called_the_same_whoever_else_is_there(
    spaces: tuple[Namespace, ...],
) -> None:
    made, ops = joined(spaces)
    for absent in made.keys() - {UNDERLAY}:
        others = {name: netns for name, netns in made.items() if name != absent}
        fewer = wiring(spaces, others, frozenset(others))
        assert veths(fewer) <= veths(ops)


def veths(ops: tuple[Op, ...]) -> set[tuple[str, str]]:
    """The names of what was made, in pairs."""
    return {(op.a.name, op.b.name) for op in ops if isinstance(op, AddVeth)}
