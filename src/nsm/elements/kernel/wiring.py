"""Decide what of a vWire is this node's to build. Pure: two mechanisms in, a decision out."""

from dataclasses import dataclass

from nsm.api.mechanism import KERNEL, VXLAN, Mechanism
from nsm.dataplane.plan import CLIENT, ENDPOINT
from nsm.errors import Unsupported

NONE = Mechanism()


@dataclass(frozen=True, slots=True)
class Wiring:
    """The ends that stand on this node, by role, and the tunnel to the one that does not."""

    ends: tuple[tuple[str, Mechanism], ...]
    tunnel: Mechanism | None = None


def wiring(near: Mechanism | None, far: Mechanism | None) -> Wiring:
    """From the mechanism towards the client and the one towards the endpoint."""
    near, far = near or NONE, far or NONE
    match near.type, far.type:
        case "KERNEL", "KERNEL":
            return Wiring(((CLIENT, near), (ENDPOINT, far)))
        case "KERNEL", "VXLAN":
            return Wiring(((CLIENT, near),), far)
        case "VXLAN", "KERNEL":
            return Wiring(((ENDPOINT, far),), near)
    raise Unsupported(
        f"no way from mechanism {near.type or 'none'} to mechanism {far.type or 'none'}",
        fix=f"join {KERNEL} to {KERNEL}, or either to {VXLAN}",
    )
