"""Which ends of a vWire are this node's."""

import pytest

from nsm.api.mechanism import KERNEL, MEMIF, VXLAN, Mechanism
from nsm.dataplane.plan import CLIENT, ENDPOINT
from nsm.elements.kernel.wiring import Wiring, wiring
from nsm.errors import Unsupported

CLIENTS, ENDPOINTS = (Mechanism(type=KERNEL, parameters={"name": n}) for n in ("c", "e"))
TUNNEL = Mechanism(type=VXLAN)


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
