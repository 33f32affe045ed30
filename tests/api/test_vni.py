from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.mechanism import Mechanism
from nsm.api.vni import parity, vni
from nsm.errors import Invalid


def vxlan(**parameters: str) -> Mechanism:
    return Mechanism("REMOTE", "VXLAN", parameters)


@pytest.mark.parametrize(
    ("source", "target", "odd"),
    [
        ("10.0.0.1", "10.0.0.2", 0),
        ("10.0.0.2", "10.0.0.1", 1),
        ("10.0.0.1", "10.0.0.1", 0),
        ("9.0.0.1", "10.0.0.1", 0),
        ("2001:db8::1", "2001:db8::2", 0),
        ("2001:db8::2", "2001:db8::1", 1),
        ("10.0.0.1", "2001:db8::1", 0),
        ("2001:db8::1", "10.0.0.1", 1),
        ("10.0.0.1", "::ffff:10.0.0.1", 0),
        ("nonsense", "10.0.0.1", 0),
        ("10.0.0.1", "nonsense", 1),
        ("nonsense", "nonsense", 0),
    ],
)
def test_the_lower_address_takes_even_identifiers(source: str, target: str, odd: int) -> None:
    assert parity(vxlan(src_ip=source, dst_ip=target)) == odd


@pytest.mark.parametrize(
    ("original", "odd"),
    [
        ({"orig_src_ip": "10.0.0.9"}, 1),
        ({"orig_dst_ip": "10.0.0.0"}, 1),
        ({"orig_src_ip": "10.0.0.9", "orig_dst_ip": "10.0.0.10"}, 0),
        ({"orig_src_ip": ""}, 0),
        ({"orig_dst_ip": ""}, 1),
    ],
)
def test_addresses_before_translation_decide_even_where_they_are_empty(
    original: dict[str, str], odd: int
) -> None:
    assert parity(vxlan(src_ip="10.0.0.1", dst_ip="10.0.0.2", **original)) == odd


@given(st.ip_addresses().map(str), st.ip_addresses().map(str), st.integers(0, 2**32 - 1))
def test_the_two_ends_never_choose_the_same(here: str, there: str, random: int) -> None:
    mine = vni(vxlan(src_ip=here, dst_ip=there), random)
    theirs = vni(vxlan(src_ip=there, dst_ip=here), random)
    assert 0 <= mine < 1 << 24
    assert plain(here) == plain(there) or mine != theirs


def plain(text: str) -> str:
    """An address as one of IPv4 where that is what it is, however it is written."""
    address = ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)


@pytest.mark.parametrize("known", [{}, {"src_ip": "10.0.0.1"}, {"dst_ip": "10.0.0.1"}])
def test_both_ends_must_be_known(known: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="src_ip and dst_ip"):
        parity(vxlan(**known))
