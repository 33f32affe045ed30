"""What one endpoint gave, and whoever is asked after it."""

from dataclasses import replace

import pytest

from nsm.api.connection import Path, Segment
from nsm.api.context import ConnectionContext, DnsConfig, DnsContext, IpContext
from nsm.api.registration import Endpoint
from nsm.elements.context import LeaveBehind
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

IP = IpContext(("10.0.0.1/32",), ("10.0.0.0/32",), excluded_prefixes=("10.9.0.0/16",))
CONTEXT = ConnectionContext(
    ip_context=IP,
    dns_context=DnsContext((DnsConfig(("10.0.0.0",)),)),
    extra_context={"theirs": "kept"},
    mtu=1450,
)


async def asked(*beyond: str, chosen: bool = True, context: ConnectionContext | None = CONTEXT):
    """What the endpoint `new` hears of a connection whose path went on by others before."""
    names = ("nsc", "fwd", *beyond)
    path = Path(1, tuple(Segment(name, name) for name in names))
    conn = Connection("fwd", endpoint="new", path=path, context=context)
    call, end = Call(candidates=(Endpoint("new"),) if chosen else ()), Recorder()
    await LeaveBehind().bind(end).request(call, Request(conn))
    return end.requests[0].connection.context


@pytest.mark.parametrize("beyond", [("old",), ("manager", "other-fwd", "old")])
async def test_what_another_gave_is_not_brought_along(beyond: tuple[str, ...]) -> None:
    wish = IpContext(excluded_prefixes=IP.excluded_prefixes)
    assert await asked(*beyond) == replace(CONTEXT, ip_context=wish, dns_context=None)


@pytest.mark.parametrize("beyond", [(), ("new",), ("new", "new-client", "fwd-2", "its-end")])
async def test_a_first_wish_and_what_the_same_one_gave_are(beyond: tuple[str, ...]) -> None:
    assert await asked(*beyond) == CONTEXT


async def test_whom_the_client_names_is_asked_for_all_that_it_says() -> None:
    assert await asked("old", chosen=False) == CONTEXT


async def test_who_brings_nothing_leaves_nothing() -> None:
    assert await asked("old", context=None) is None
