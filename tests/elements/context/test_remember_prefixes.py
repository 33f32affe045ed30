"""One client, several vWires."""

from dataclasses import dataclass, field, replace

import pytest

from nsm.api.context import IpContext, Route
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.api.names import NsUrl
from nsm.elements.context.remember_prefixes import RememberPrefixes
from nsm.errors import Exhausted, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder


@dataclass
class Gives(Recorder):
    """Endpoints that give each connection what they are told to, and exclude a prefix of theirs."""

    ips: dict[str, IpContext] = field(default_factory=dict)

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        asked = request.connection
        excluded = (*asked.ip.excluded_prefixes, "10.96.0.0/12")
        return asked.with_ip(replace(self.ips[asked.id], excluded_prefixes=excluded))


def pair(src: str, dst: str) -> IpContext:
    return IpContext(
        (src,), (dst,), src_routes=(Route(dst), Route("172.16.0.0/16")), dst_routes=(Route(src),)
    )


def wish(id: str, service: str = "s", **labels: str) -> Request:
    conn = Connection(id, network_service=service, labels=labels)
    return Request(conn, (Mechanism(LOCAL, KERNEL, {NAME: "nsm-1"}),))


A, B = pair("10.0.0.1/32", "10.0.0.0/32"), pair("10.0.0.3/32", "10.0.0.2/32")


def excluded(end: Recorder) -> set[str]:
    return set(end.requests[-1].connection.ip.excluded_prefixes)


async def test_the_second_vwire_is_asked_to_keep_clear_of_the_first() -> None:
    end = Gives(ips={"a": A, "b": B})
    entry = RememberPrefixes().bind(end)
    a = await entry.request(Lifetime().call, wish("a"))
    await entry.request(Lifetime().call, wish("b"))
    assert excluded(end) == {"10.0.0.0/31", "10.96.0.0/12"}
    assert a.ip == A, "the client's own list comes back as it was"


async def test_a_refresh_does_not_exclude_what_it_has_itself() -> None:
    end = Gives(ips={"a": A, "b": B})
    entry = RememberPrefixes().bind(end)
    lifetime = Lifetime()
    a = await entry.request(lifetime.call, wish("a"))
    await entry.request(Lifetime().call, wish("b"))
    lifetime.life.last = a
    for _ in range(3):
        assert await entry.request(lifetime.call, Request(a)) == a
    assert excluded(end) == {"10.0.0.2/31"}


async def test_an_answer_that_takes_anothers_address_is_closed_and_refused() -> None:
    end = Gives(ips={"a": A, "b": A})
    entry = RememberPrefixes().bind(end)
    await entry.request(Lifetime().call, wish("a"))
    with pytest.raises(Exhausted, match=r"10\.0\.0\.1/32"):
        await entry.request(Lifetime().call, wish("b"))
    assert end.verbs == ["request a", "request b", "close b"]


async def test_what_failed_is_in_nobodys_way_and_takes_nothing_of_what_stands() -> None:
    end = Gives(ips={"a": A, "b": B, "c": B})
    entry = RememberPrefixes().bind(end)
    await entry.request(Lifetime().call, wish("a"))
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Lifetime().call, wish("b"))
    end.failing = None
    await entry.request(Lifetime().call, wish("c"))
    assert excluded(end) == {"10.0.0.0/31", "10.96.0.0/12"}


async def test_a_closed_vwire_is_in_nobodys_way() -> None:
    end = Gives(ips={"a": A, "b": A})
    entry = RememberPrefixes().bind(end)
    call = Lifetime().call
    await entry.close(call, await entry.request(call, wish("a")))
    await entry.request(Lifetime().call, wish("b"))
    assert excluded(end) == set()


async def test_services_of_one_awareness_group_may_share_and_others_may_not() -> None:
    end = Gives(ips=dict.fromkeys("abc", A))
    group = [NsUrl.parse("kernel://one"), NsUrl.parse("kernel://two/nsm-1?app=web")]
    entry = RememberPrefixes([group]).bind(end)
    await entry.request(Lifetime().call, wish("a", "one"))
    shared = await entry.request(Lifetime().call, wish("b", "two", app="web", nodeName="n"))
    assert shared.ip == A
    with pytest.raises(Exhausted):
        await entry.request(Lifetime().call, wish("c", "two"))
    assert excluded(end) == {"10.0.0.0/31", "10.96.0.0/12"}


async def test_networks_that_are_not_single_addresses_may_overlap() -> None:
    wide = IpContext(("10.0.0.1/24",))
    end = Gives(ips={"a": wide, "b": wide})
    entry = RememberPrefixes().bind(end)
    await entry.request(Lifetime().call, wish("a"))
    assert (await entry.request(Lifetime().call, wish("b"))).ip == wide
