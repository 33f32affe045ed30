"""What peers say of a VXLAN tunnel, read with care."""

from nsm.api.cidr import address
from nsm.api.mechanism import MTU, VNI, Mechanism
from nsm.api.vni import HIGHEST
from nsm.errors import Invalid

PORT = 4789
"""The UDP port of VXLAN (RFC 7348)."""
LARGEST_MTU = 65535


def vni_of(tunnel: Mechanism) -> int:
    """The identifier it names, 0 for none."""
    return _number(tunnel, VNI, HIGHEST)


def agree_mtu(tunnel: Mechanism, limit: int) -> Mechanism:
    """The tunnel with the largest packet both ends can pass; `limit` is ours, 0 says nothing."""
    said = _number(tunnel, MTU, LARGEST_MTU)
    agreed = min(said or limit, limit or said)
    return tunnel.having(**{MTU: str(agreed)}) if agreed else tunnel


def mtu_of(tunnel: Mechanism) -> int:
    """The largest packet it passes, 0 where nobody said."""
    return _number(tunnel, MTU, LARGEST_MTU)


def check_peer(theirs: str, ours: str) -> None:
    """Raise unless a tunnel between these addresses joins two hosts."""
    there, here = address(theirs), address(ours)
    if there.version != here.version:
        raise Invalid(
            f"a tunnel between {there} and {here}", fix="use addresses of one family at both ends"
        )
    if there.is_multicast or there.is_unspecified or there.is_loopback:
        raise Invalid(f"{there} is no host to tunnel to", fix="name the peer's own address")


def _number(tunnel: Mechanism, key: str, largest: int) -> int:
    text = tunnel.get(key) or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) > largest:
        raise Invalid(f"{key}={text[:20]!r}", fix=f"write a decimal number of at most {largest}")
    return int(text)
