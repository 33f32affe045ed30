"""Which VXLAN network identifiers each side of a tunnel may choose (W §1.3).

Two nodes that open tunnels to each other at once must not choose the same identifier: whoever has
the lower address takes even ones, the other odd ones.
"""

from ipaddress import IPv4Address

from nsm.api.cidr import address
from nsm.api.mechanism import DST_IP, ORIG_DST_IP, ORIG_SRC_IP, SRC_IP, Mechanism
from nsm.errors import Invalid

HIGHEST = 0xFFFFFF


def parity(mechanism: Mechanism) -> int:
    """0 where even identifiers are to be chosen, 1 where odd; the addresses before NAT decide."""
    if not (mechanism.get(SRC_IP) and mechanism.get(DST_IP)):
        raise Invalid(
            "a VXLAN mechanism without both src_ip and dst_ip", fix="both ends must be known"
        )
    known = mechanism.parameters
    source = known.get(ORIG_SRC_IP, mechanism.get(SRC_IP))
    target = known.get(ORIG_DST_IP, mechanism.get(DST_IP))
    return int(_sixteen(source) > _sixteen(target))


def vni(mechanism: Mechanism, random: int) -> int:
    """The identifier that a random number becomes; 0 is no identifier, so try another then."""
    return (2 * random + parity(mechanism)) & HIGHEST


def _sixteen(text: str) -> bytes:
    """An address as 16 bytes, as upstream compares them; nothing where it is none."""
    try:
        at = address(text)
    except Invalid:
        return b""
    return bytes(10) + b"\xff\xff" + at.packed if isinstance(at, IPv4Address) else at.packed
