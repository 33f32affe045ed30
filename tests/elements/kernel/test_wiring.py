"""Which ends of a vWire are this node's."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from nsm.api.mechanism import KERNEL, MEMIF, VXLAN, Mechanism
from nsm.dataplane.fake import netns
from nsm.dataplane.ops import AddBridge, AddVeth, AddVxlan, LinkEnd
from nsm.dataplane.plan import CLIENT, ENDPOINT
from nsm.elements.kernel.wiring import Wiring, same_device, wiring
from nsm.errors import Unsupported

CLIENTS, ENDPOINTS = (Mechanism(type=KERNEL, parameters={"name": n}) for n in ("c", "e"))
TUNNEL = Mechanism(type=VXLAN)
VETH = AddVeth(LinkEnd(netns(), "a", alias="nsm1 1"), LinkEnd(netns(), "b"), 1500)
TO = ip_address("10.0.0.2")
TUN = AddVxlan(netns(), LinkEnd(netns(), "a"), 7, ip_address("10.0.0.1"), TO)


def test_both_ends_are_ours_where_both_are_kernel_interfaces() -> None:
    assert wiring(CLIENTS, ENDPOINTS) == Wiring(((CLIENT, CLIENTS), (ENDPOINT, ENDPOINTS)))


def test_the_initiating_side_has_the_client_and_a_tunnel() -> None:
    assert wiring(CLIENTS, TUNNEL) == Wiring(((CLIENT, CLIENTS),), TUNNEL)


def test_the_accepting_side_has_the_endpoint_and_a_tunnel() -> None:
    assert wiring(TUNNEL, ENDPOINTS) == Wiring(((ENDPOINT, ENDPOINTS),), TUNNEL)


@pytest.mark.parametrize("near", [None, TUNNEL, Mechanism(type=MEMIF)])
@pytest.mark.parametrize("far", [None, TUNNEL, Mechanism(type=MEMIF)])
def test_nothing_else_can_be_joined(near: Mechanism | None, far: Mechanism | None) -> None:
    with pytest.raises(Unsupported, match="no way from mechanism"):
        wiring(near, far)


def test_what_can_change_on_a_standing_device_needs_no_other_one() -> None:
    assert same_device((VETH,), (replace(VETH, mtu=1400, a=replace(VETH.a, alias="nsm1 2")),))
    assert same_device((TUN,), (replace(TUN, mtu=1400),))


@pytest.mark.parametrize(
    "other",
    [
        replace(VETH, b=replace(VETH.b, name="c")),
        replace(VETH, b=replace(VETH.b, netns=netns())),
        replace(TUN, vni=8),
        replace(TUN, remote=ip_address("10.0.0.3")),
        replace(TUN, port=4790),
        AddBridge(VETH.a),
    ],
)
def test_another_peer_needs_another_device(other: AddVeth | AddVxlan | AddBridge) -> None:
    assert not same_device((VETH,), (other,))
    assert not same_device((TUN,), (other,))
    assert not same_device((), (other,))
