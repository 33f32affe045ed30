"""What somebody else has, and what nobody has."""

from nsm.api import cidr
from nsm.api.context import IpContext, Route
from nsm.elements.context import AssignPointToPoint, SpareOthers
from nsm.sdk import Call, Connection, Request, chain
from nsm.sdk.testing import Recorder


class Endpoint:
    """Two groups of addresses, and whoever asks for some."""

    def __init__(self) -> None:
        groups = [AssignPointToPoint([cidr.prefix(p)]) for p in ("10.0.0.0/24", "fd00::/64")]
        self.entry = chain(SpareOthers(groups), *groups).bind(Recorder())

    async def asked(self, id: str, ip: IpContext, *, newcomer: bool = False) -> IpContext:
        request = Request(Connection(id).with_ip(ip))
        return (await self.entry.request(Call(newcomer=newcomer), request)).ip


async def test_what_another_has_is_exchanged_with_its_routes() -> None:
    endpoint = Endpoint()
    theirs = await endpoint.asked("a", IpContext())
    given = await endpoint.asked("b", theirs)
    assert given == IpContext(
        src_ip_addrs=("10.0.0.3/32", "fd00::3/128"),
        dst_ip_addrs=("10.0.0.2/32", "fd00::2/128"),
        src_routes=(Route("10.0.0.2/32"), Route("fd00::2/128")),
        dst_routes=(Route("10.0.0.3/32"), Route("fd00::3/128")),
    )
    assert await endpoint.asked("a", theirs) == theirs
    assert await endpoint.asked("b", given) == given


async def test_one_that_has_its_own_is_not_given_another_s_as_well() -> None:
    endpoint = Endpoint()
    theirs, given = await endpoint.asked("a", IpContext()), await endpoint.asked("b", IpContext())
    both = IpContext(given.src_ip_addrs + theirs.src_ip_addrs, given.dst_ip_addrs)
    assert (await endpoint.asked("b", both)).src_ip_addrs == given.src_ip_addrs


async def test_what_is_free_or_not_ours_to_give_stays() -> None:
    brought = IpContext(("10.0.0.9/32", "192.168.0.1/24"), ("10.0.0.8/32",))
    given = await Endpoint().asked("a", brought)
    assert given.src_ip_addrs == ("10.0.0.9/32", "192.168.0.1/24", "fd00::1/128")


async def test_what_another_endpoint_gave_stays_there() -> None:
    theirs = IpContext(
        ("192.168.0.1/32",), ("192.168.0.0/32",), src_routes=(Route("192.168.0.0/32"),)
    )
    given = await Endpoint().asked("a", theirs, newcomer=True)
    assert given == await Endpoint().asked("a", IpContext())
