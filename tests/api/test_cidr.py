from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.cidr import Groups, address, groups, host, prefix
from nsm.errors import Invalid


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("  ", ()),
        ("a", (("a",),)),
        ("a,b", (("a",), ("b",))),
        ("[a,b]", (("a", "b"),)),
        (" [ a , b ] , [c],d ", (("a", "b"), ("c",), ("d",))),
        ("a,[b,c],d", (("a",), ("b", "c"), ("d",))),
    ],
)
def test_groups_are_bracketed_and_what_is_not_is_a_group_of_one(text: str, read: object) -> None:
    assert groups(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "[a", "a]", "[[a]]", "[a,[b]]", "[]", "[a,]", "[,a]", "a,", ",a", "a,,b", "[a][b]", "[a]b",
        "a[b]", "]", "[", ",", "[a],", "[a],[]",
    ],
)  # fmt: skip
def test_half_said_groups_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="are no groups"):
        groups(text)


def test_groups_of_prefixes_are_read_with_host_bits_cleared() -> None:
    assert Groups.parse("[172.16.1.5/24,10.0.0.0/8],2001:db8::1/112") == (
        (ip_network("172.16.1.0/24"), ip_network("10.0.0.0/8")),
        (ip_network("2001:db8::/112"),),
    )


@pytest.mark.parametrize("text", ["10.0.0.0/8,nonsense", "[10.0.0.1]", "10.0.0.0/8,10.0.0.0/33"])
def test_groups_of_what_are_no_prefixes_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no prefix"):
        Groups.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "10.0.0.1", "10.0.0.0/33", "::/129", "10.0.0.0/255.0.0.0", "10.0.0.0/-1", "/8", "10/8",
        "fe80::1%eth0/64", "010.0.0.0/8", "10.0.0.0/8 ", "\uff11.0.0.0/8", "1" * 9999,
    ],
)  # fmt: skip
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no prefix") as caught:
        prefix(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "01.2.3.4", "fe80::1%eth0", "10.0.0.1/32", "x" * 99]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no IP address"):
        address(text)


@pytest.mark.parametrize("text", ["10.0.0.5", "10.0.0.5/8", "10.0.0.5/32"])
def test_a_host_may_be_written_with_its_prefix_or_without(text: str) -> None:
    assert host(text) == ip_address("10.0.0.5")


@given(st.ip_addresses(), st.integers(0, 32))
def test_every_prefix_that_python_writes_is_read(at: object, length: int) -> None:
    network = ip_network(f"{at}/{length}", strict=False)
    assert prefix(str(network)) == network


@given(st.text("[],ab "))
def test_groups_never_lose_or_invent_an_item(text: str) -> None:
    try:
        read = groups(text)
    except Invalid:
        return
    bare = list(text.replace(" ", "").replace("[", ",").replace("]", ",").split(","))
    assert [item for group in read for item in group] == [item for item in bare if item]
