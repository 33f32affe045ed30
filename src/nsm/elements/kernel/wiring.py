"""Decide what of a vWire is this node's to build. Pure: two mechanisms in, a decision out."""

from dataclasses import dataclass

from nsm.api.mechanism import KERNEL, VXLAN, Mechanism
from nsm.dataplane.ops import AddVeth, AddVxlan, LinkEnd, Op
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


def same_device(before: tuple[Op, ...], wanted: tuple[Op, ...]) -> bool:
    """Whether what stands can be brought up to date, and need not be made anew."""
    return bool(before) and _device(before[0]) == _device(wanted[0])


def _device(op: Op) -> tuple[object, ...]:
    match op:
        case AddVeth(a, b):
            return (_place(a), _place(b))
        case AddVxlan(node, end, vni, local, remote, port):
            return (_place(end), node, vni, local, remote, port)
        case _:
            return (op,)


def _place(end: LinkEnd) -> tuple[object, str]:
    return (end.netns, end.name)
