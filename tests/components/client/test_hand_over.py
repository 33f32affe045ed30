"""`nsm client --init`: what is made is left to the next, all of it or none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from nsm.chains.testing import Domain, Towards, url
from nsm.components.client.config import Config
from nsm.components.client.program import make
from nsm.config import load
from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.sdk import Call, Clock, Connection, Element, Handler, Link, Request, chain
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

AUTHORITY = Authority("test", Clock())
TWO = "kernel://icmp/nsm-0,kernel://icmp/nsm-1"
SETTINGS = {"NSM_NAME": "web", "NSM_NETWORK_SERVICES": TWO, "NSM_LIVENESS_CHECK_ENABLED": "false"}
CONFIG = replace(load(Config, SETTINGS), connect_to=url("nm"))


class Trusting(Program):
    """Its domain's tokens are fakes, and not judged."""

    def next_hop(self) -> Link[Handler]:
        return chain()


def running(domain: Domain) -> Program:
    source = FakeSource.of("spiffe://test/web", AUTHORITY)
    dialer = domain.switchboard.dialer(domain.party("web"))
    return Trusting(name="web", environ={}, identity=source, tokens=source, dialer=dialer)


def heard(domain: Domain) -> list[tuple[str, str]]:
    """What the endpoint was asked, and for which vWire."""
    return [(verb, conn.hops.segments[0].id) for verb, conn in domain.heard["nse"].heard]


class Second(Element):
    """Deal with web-1 in a way of its own."""

    def __init__(self, deal: Callable[[], Awaitable[object]]) -> None:
        self.deal = deal

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if request.connection.hops.segments[0].id == "web-1":
            await self.deal()
        return await next.request(call, request)


async def test_once_all_is_made_it_ends_and_closes_nothing() -> None:
    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        program = running(domain)
        await make(CONFIG, program)
        assert program.stopping.is_set()
        await program.end()
        await program.tasks.stop()
        assert sorted(heard(domain)) == [("request", "web-0"), ("request", "web-1")]


async def test_where_one_can_not_be_had_it_fails_and_closes_the_other() -> None:
    async def refuse() -> None:
        raise Invalid("no such")

    async with Domain(LoopClock(), nm=["nse"], nse=[]) as domain:
        to_nse = Towards(["nse"], endpoints=True)
        domain.serve("nm", Second(refuse), to_nse, domain.connect("nm"))
        program = running(domain)
        with pytest.raises(Invalid, match="not everything"):
            await make(CONFIG, program)
        await program.end()
        assert heard(domain) == [("request", "web-0"), ("close", "web-0")]


async def test_told_to_stop_on_the_way_it_closes_what_there_is() -> None:
    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        domain.serve("nse", Second(asyncio.Event().wait), at=domain.heard["nse"])
        program = running(domain)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await make(CONFIG, program)
        await program.end()
        assert heard(domain) == [("request", "web-0"), ("close", "web-0")]
