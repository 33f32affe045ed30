"""Prefixes a vWire keeps clear of."""

from nsm.api.context import IpContext
from nsm.elements.context.exclude_prefixes import ExcludePrefixes
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder


async def excluded(element: ExcludePrefixes, *given: str) -> tuple[str, ...]:
    end = Recorder()
    conn = Connection("c").with_ip(IpContext(excluded_prefixes=given))
    await element.bind(end).request(Call(), Request(conn))
    return end.requests[0].connection.ip.excluded_prefixes


async def test_ours_are_added_once_behind_those_that_came() -> None:
    ours = ["10.0.0.0/8", "172.16.0.0/16"]
    element = ExcludePrefixes(lambda: ours)
    assert await excluded(element, "172.16.0.0/16", "fd00::/8") == (
        "172.16.0.0/16",
        "fd00::/8",
        "10.0.0.0/8",
    )


async def test_a_change_of_the_prefixes_is_seen_by_the_next_request() -> None:
    ours: list[str] = []
    element = ExcludePrefixes(lambda: ours)
    assert await excluded(element) == ()
    ours.append("10.0.0.0/8")
    assert await excluded(element) == ("10.0.0.0/8",)


async def test_a_request_without_any_context_gets_one() -> None:
    end = Recorder()
    entry = ExcludePrefixes(lambda: ["10.0.0.0/8"]).bind(end)
    await entry.request(Call(), Request(Connection("c")))
    assert end.requests[0].connection.ip == IpContext(excluded_prefixes=("10.0.0.0/8",))
