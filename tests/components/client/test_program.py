"""What the client program asks for, and that it takes it all back."""

from dataclasses import replace

import pytest

from nsm.api.names import NsUrl
from nsm.chains.testing import Domain, url
from nsm.components.client.config import Config
from nsm.components.client.program import Wanted, close_all
from nsm.components.client.recipe import Parts, requester
from nsm.components.client.report import ReportConnections, Wire
from nsm.config import load
from nsm.elements.context import RememberPrefixes
from nsm.sdk import END, Call, Handler, chain
from nsm.sdk.clock import LoopClock

CONFIG = replace(load(Config, {"NSM_NAME": "web"}), connect_to=url("nse"))


def wanted(number: int) -> Wanted:
    text = f"kernel://icmp/nsm-{number}"
    return Wanted(Wire(f"web-{number}", text, "icmp"), NsUrl.parse(text))


def asking(domain: Domain, wants: list[Wanted]) -> Handler:
    report = ReportConnections({w.wire.id: w.wire for w in wants}, lambda _: None, domain.clock)
    parts = Parts(
        report=report, place={}, groups=RememberPrefixes([]), liveness=None, authorize=chain()
    )
    return requester(CONFIG, domain.needed("web"), parts).bind(END)


@pytest.mark.looptime
async def test_what_was_asked_for_is_closed_at_the_end() -> None:
    async with Domain(LoopClock(), nse=[]) as domain:
        wants = [wanted(number) for number in range(3)]
        requests = asking(domain, wants)
        for want in wants:
            await requests.request(Call(), want.request(None))

        await close_all(requests, wants)

        heard = domain.heard["nse"].heard
        closed = [conn.hops.segments[0].id for verb, conn in heard if verb == "close"]
        assert closed == ["web-0", "web-1", "web-2"]
