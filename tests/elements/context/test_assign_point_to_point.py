"""Addresses, number by number as W §13.5 has them."""

from dataclasses import replace

import pytest

from nsm.api import cidr
from nsm.api.context import IpContext, Route
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.errors import Exhausted, Invalid
from nsm.sdk import Call, Connection, Request, chain
from nsm.sdk.testing import Recorder


def group(*prefixes: str) -> AssignPointToPoint:
    return AssignPointToPoint(tuple(cidr.prefix(text) for text in prefixes))


async def ask(element, id: str, ip: IpContext | None = None, end: Recorder | None = None):
    conn = Connection(id).with_ip(ip) if ip else Connection(id)
    return await element.bind(end or Recorder()).request(Call(), Request(conn))


def ends(conn: Connection) -> tuple[str, str]:
    (dst,), (src,) = conn.ip.dst_ip_addrs, conn.ip.src_ip_addrs
    return dst, src


async def test_the_endpoint_has_the_first_address_and_the_client_the_next() -> None:
    element = group("192.168.3.4/16")
    first, second = await ask(element, "a"), await ask(element, "b")
    assert first.ip == IpContext(
        src_ip_addrs=("192.168.0.1/32",),
        dst_ip_addrs=("192.168.0.0/32",),
        src_routes=(Route("192.168.0.0/32"),),
        dst_routes=(Route("192.168.0.1/32"),),
    )
    assert ends(second) == ("192.168.0.2/32", "192.168.0.3/32")


async def test_a_freed_pair_is_given_first() -> None:
    element = group("192.168.0.0/16")
    first = await ask(element, "a")
    await ask(element, "b")
    await element.bind(Recorder()).close(Call(), first)
    assert ends(await ask(element, "c")) == ("192.168.0.0/32", "192.168.0.1/32")
    assert ends(await ask(element, "d")) == ("192.168.0.4/32", "192.168.0.5/32")


async def test_excluded_addresses_are_stepped_over() -> None:
    element = group("192.168.1.0/24")
    excluded = IpContext(
        excluded_prefixes=("192.168.1.1/32", "192.168.1.3/32", "192.168.1.6/32", "fd00::/8")
    )
    given = [ends(await ask(element, id, excluded)) for id in "abc"]
    assert [tuple(a.removeprefix("192.168.1") for a in pair) for pair in given] == [
        (".0/32", ".2/32"),
        (".4/32", ".5/32"),
        (".7/32", ".8/32"),
    ]


async def test_two_addresses_are_one_connection() -> None:
    element = group("10.0.0.0/31")
    await ask(element, "a")
    with pytest.raises(Exhausted):
        await ask(element, "b")


async def test_a_pool_that_is_excluded_whole_has_nothing() -> None:
    with pytest.raises(Exhausted):
        await ask(group("10.0.0.0/24"), "a", IpContext(excluded_prefixes=("10.0.0.0/16",)))


def test_a_group_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid):
        group()


async def test_a_refresh_keeps_its_pair_even_if_the_client_forgot_it() -> None:
    element = group("10.0.0.0/24")
    first = await ask(element, "a")
    assert await ask(element, "a", first.ip) == first
    assert await ask(element, "a") == first
    assert len(element.pool) == 2


async def test_a_pair_that_has_come_to_be_excluded_is_exchanged() -> None:
    element = group("192.168.0.0/16")
    first = await ask(element, "a")
    moved = await ask(element, "a", replace(first.ip, excluded_prefixes=("192.168.0.1/30",)))
    assert ends(moved) == ("192.168.0.4/32", "192.168.0.5/32")
    assert moved.ip.src_routes == (Route("192.168.0.4/32"),)
    assert moved.ip.dst_routes == (Route("192.168.0.5/32"),)
    assert len(element.pool) == 2


async def test_an_exchange_that_fails_changes_nothing() -> None:
    element = group("192.168.0.0/16")
    first = await ask(element, "a")
    excluding = replace(first.ip, excluded_prefixes=("192.168.0.0/30",))
    with pytest.raises(Exhausted, match="no"):
        await ask(element, "a", excluding, Recorder(failing=Exhausted("no")))
    assert len(element.pool) == 2
    assert await ask(element, "a", first.ip) == first


async def test_what_a_connection_brings_along_is_its_own_again_if_it_is_free() -> None:
    element = group("192.168.0.0/16")
    known = IpContext(("192.168.10.1/32",), ("192.168.10.0/32",))
    assert ends(await ask(element, "a", known)) == ("192.168.10.0/32", "192.168.10.1/32")
    second = await ask(element, "b", known)
    assert second.ip.dst_ip_addrs == ("192.168.10.0/32", "192.168.0.0/32")
    assert second.ip.src_ip_addrs == ("192.168.10.1/32", "192.168.0.1/32")


async def test_what_it_brings_along_is_not_taken_where_it_is_excluded() -> None:
    known = IpContext(("10.0.0.9/32",), ("10.0.0.8/32",), excluded_prefixes=("10.0.0.8/32",))
    conn = await ask(group("10.0.0.0/24"), "a", known)
    assert conn.ip.dst_ip_addrs[-1] == "10.0.0.0/32"


async def test_ipv6_is_the_same() -> None:
    element = group("fe80::/64")
    assert ends(await ask(element, "a")) == ("fe80::/128", "fe80::1/128")
    assert ends(await ask(element, "b")) == ("fe80::2/128", "fe80::3/128")


async def test_ipv6_is_excluded_exchanged_taken_again_and_used_up_in_the_same_way() -> None:
    excluded = IpContext(excluded_prefixes=("fe80::1/128", "fe80::3/128", "fe80::6/128"))
    element = group("fe80::/64")
    assert [ends(await ask(element, id, excluded)) for id in "abc"] == [
        ("fe80::/128", "fe80::2/128"),
        ("fe80::4/128", "fe80::5/128"),
        ("fe80::7/128", "fe80::8/128"),
    ]
    element = group("fe80::/64")
    first = await ask(element, "a")
    moved = await ask(element, "a", replace(first.ip, excluded_prefixes=("fe80::/126",)))
    assert ends(moved) == ("fe80::4/128", "fe80::5/128")
    known = IpContext(("fe80::fa01/128",), ("fe80::fa00/128",))
    assert ends(await ask(element, "b", known)) == ("fe80::fa00/128", "fe80::fa01/128")
    two = group("fe80::/127")
    await ask(two, "a")
    with pytest.raises(Exhausted):
        await ask(two, "b")
    with pytest.raises(Exhausted):
        await ask(group("fe80::/127"), "a", IpContext(excluded_prefixes=("fe80::/64",)))


async def test_two_groups_are_two_pairs_and_a_second_prefix_is_overflow() -> None:
    both = chain(group("10.0.0.0/31", "10.1.0.0/31"), group("fd00::/64"))
    first, second = await ask(both, "a"), await ask(both, "b")
    assert first.ip.src_ip_addrs == ("10.0.0.1/32", "fd00::1/128")
    assert second.ip.src_ip_addrs == ("10.1.0.1/32", "fd00::3/128")


async def test_a_first_failure_frees_and_a_later_one_does_not() -> None:
    element, failing = group("10.0.0.0/24"), Recorder(failing=Exhausted("no"))
    with pytest.raises(Exhausted):
        await ask(element, "a", end=failing)
    assert len(element.pool) == 0
    first = await ask(element, "a")
    with pytest.raises(Exhausted):
        await ask(element, "a", first.ip, failing)
    assert len(element.pool) == 2


@pytest.mark.parametrize(
    "ip",
    [
        IpContext(excluded_prefixes=("10.0.0.0/33",)),
        IpContext(src_ip_addrs=("x",), dst_ip_addrs=("10.0.0.8/32",)),
        IpContext(dst_ip_addrs=("10.0.0.1/24/7",)),
    ],
)
async def test_what_is_no_address_is_refused_and_nothing_kept(ip: IpContext) -> None:
    element = group("10.0.0.0/24")
    with pytest.raises(Invalid):
        await ask(element, "a", ip)
    assert len(element.pool) == 0
