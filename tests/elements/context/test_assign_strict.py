"""Addresses that are ours to give, and no others."""

from nsm.api import cidr
from nsm.api.context import IpContext, Route
from nsm.elements.context.assign_strict import AssignStrict
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

V4, V6 = (cidr.prefix("10.0.0.0/24"),), (cidr.prefix("fd00::/64"),)


async def ask(element: AssignStrict, id: str, ip: IpContext) -> IpContext:
    request = Request(Connection(id).with_ip(ip))
    return (await element.bind(Recorder()).request(Call(), request)).ip


async def test_foreign_addresses_and_their_routes_are_replaced() -> None:
    asked = IpContext(
        src_ip_addrs=("172.16.0.1/32", "10.0.0.77/24"),
        dst_ip_addrs=("172.16.0.0/32",),
        src_routes=(Route("172.16.0.0/32"), Route("172.17.0.0/16")),
        dst_routes=(Route("172.16.0.1/32"),),
    )
    assert await ask(AssignStrict(V4), "a", asked) == IpContext(
        src_ip_addrs=("10.0.0.77/24", "10.0.0.1/32"),
        dst_ip_addrs=("10.0.0.0/32",),
        src_routes=(Route("172.17.0.0/16"), Route("10.0.0.0/32")),
        dst_routes=(Route("10.0.0.1/32"),),
    )


async def test_a_refresh_changes_nothing_with_several_groups_either() -> None:
    element = AssignStrict(V4, V6)
    first = await ask(element, "a", IpContext())
    assert first.src_ip_addrs == ("10.0.0.1/32", "fd00::1/128")
    assert await ask(element, "a", first) == first


async def test_what_is_free_is_taken_again_and_what_another_has_is_replaced() -> None:
    element = AssignStrict(V4)
    wanted = IpContext(("10.0.0.9/32",), ("10.0.0.8/32",))
    assert (await ask(element, "a", wanted)).src_ip_addrs == ("10.0.0.9/32",)
    assert (await ask(element, "b", wanted)).src_ip_addrs == ("10.0.0.1/32",)
