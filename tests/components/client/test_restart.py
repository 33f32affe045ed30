"""A client that was restarted goes on with what its manager still knows (W §3.11)."""

from dataclasses import replace

import pytest

from nsm.api.connection import DOWN, RESELECT_REQUESTED, UP, Connection, Path, Segment
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.chains.testing import Domain, url
from nsm.components.client.config import Config
from nsm.components.client.program import Wanted, wants, what_stood
from nsm.components.client.recipe import Parts, requester
from nsm.components.client.report import ReportConnections
from nsm.config import load
from nsm.elements.context import RememberPrefixes
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.sdk import END, Call, Clock, Handler, chain
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

AUTHORITY = Authority("test", Clock())
TWO = "kernel://icmp/nsm-0,kernel://icmp/nsm-1"


def config(services: str = TWO) -> Config:
    said = load(Config, {"NSM_NAME": "web", "NSM_NETWORK_SERVICES": services})
    return replace(said, connect_to=url("nm"))


def asking(domain: Domain, said: Config) -> Handler:
    """A client in its first life, or its next."""
    wires = {want.wire.id: want.wire for want in wants(said)}
    parts = Parts(
        report=ReportConnections(wires, lambda _: None, domain.clock),
        place={},
        groups=RememberPrefixes([]),
        liveness=None,
        authorize=chain(),
    )
    return requester(said, domain.needed("web"), parts).bind(END)


async def known(domain: Domain, said: Config) -> dict[str, Connection]:
    """What the manager says that it has of ours."""
    source = FakeSource.of("spiffe://test/web", AUTHORITY)
    dialer = domain.switchboard.dialer(domain.party("web"))
    program = Program(name="web", environ={}, identity=source, tokens=source, dialer=dialer)
    return await what_stood(said, program, wants(said))


async def test_every_vwire_goes_on_as_the_one_it_was() -> None:
    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        first = asking(domain, config())
        before = [await first.request(Call(), want.request(None)) for want in wants(config())]
        domain.kill("web")

        stood = await known(domain, config())
        second = asking(domain, config())
        after = [
            await second.request(Call(), want.request(stood[want.wire.id]))
            for want in wants(config())
        ]

        def ids(conns: list[Connection]) -> list[list[str]]:
            return [[segment.id for segment in conn.hops.segments] for conn in conns]

        assert ids(after) == ids(before), "no hop has made a second one of it"
        assert [conn.id for conn in after] == ["web-0", "web-1"]


async def test_others_connections_are_not_ours() -> None:
    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        other = domain.client("other", "nm")
        await other.request(Call(), wants(config())[0].request(None))
        assert await known(domain, config()) == {}


async def test_a_manager_that_is_away_is_no_hindrance() -> None:
    async with Domain(LoopClock()) as domain:
        assert await known(domain, config()) == {}


def wanted(url: str) -> Wanted:
    return wants(config(url))[0]


STOOD = Connection(
    id="somebodys",
    network_service="icmp",
    mechanism=Mechanism(LOCAL, KERNEL, {NAME: "nsm-0"}),
    path=Path(1, (Segment("web", "web-0"), Segment("nm", "x"))),
    endpoint="nse",
    state=UP,
)


def test_it_is_seen_from_where_we_stand() -> None:
    ours = wanted("kernel://icmp/nsm-0").request(STOOD).connection
    assert (ours.id, ours.hops.index, ours.endpoint) == ("web-0", 0, "nse")
    assert ours.hops.segments == STOOD.hops.segments


def test_what_is_down_is_selected_anew() -> None:
    ours = wanted("kernel://icmp/nsm-0").request(replace(STOOD, state=DOWN)).connection
    assert (ours.mechanism, ours.endpoint, ours.state) == (None, "", RESELECT_REQUESTED)
    assert ours.hops.segments == STOOD.hops.segments


@pytest.mark.parametrize("text", ["kernel://other/nsm-0", "memif://icmp/nsm-0"])
def test_what_was_another_wish_makes_way(text: str) -> None:
    ours = wanted(text).request(STOOD).connection
    assert (ours.id, ours.mechanism, ours.endpoint) == ("web-0", None, "")
    assert (ours.network_service, ours.state) == (wanted(text).url.service, RESELECT_REQUESTED)
    assert ours.hops.segments == STOOD.hops.segments


async def test_a_client_started_with_another_wish_has_the_first_one_closed() -> None:
    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        one, other = config("kernel://icmp/nsm-0"), config("kernel://other/nsm-0")
        await asking(domain, one).request(Call(), wants(one)[0].request(None))
        domain.kill("web")

        stood = await known(domain, other)
        await asking(domain, other).request(Call(), wants(other)[0].request(stood["web-0"]))

        heard = [(verb, conn.network_service) for verb, conn in domain.heard["nse"].heard]
        assert heard == [("request", "icmp"), ("close", "icmp"), ("request", "other")]
