"""The order of the client's elements (W §3.11)."""

from dataclasses import replace

from nsm.chains.needs import Needs
from nsm.components.client.config import Config
from nsm.components.client.recipe import Parts, requester
from nsm.components.client.report import ReportConnections
from nsm.config import load
from nsm.elements.context import RememberPrefixes
from nsm.elements.lifecycle import Liveness
from nsm.sdk import Clock, Element, Handler, Link, Tasks
from nsm.sdk.chain import Chain
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

CLOCK = Clock()


def needs() -> Needs:
    who = party("spiffe://test/web", CLOCK)
    dialer = Switchboard(Tasks(), CLOCK).dialer(who)
    return Needs(name="web", tokens=who.tokens, dialer=dialer, authorize=Element())


def parts() -> Parts:
    return Parts(
        report=ReportConnections({}, lambda _: None, CLOCK),
        place={"nodeName": "node-1"},
        groups=RememberPrefixes([]),
        liveness=None,
        authorize=Element(),
    )


def flat(links: Chain[Handler]) -> list[Link[Handler]]:
    """Every link, also of chains within."""
    found: list[Link[Handler]] = []
    for link in links.links:
        found += flat(link) if isinstance(link, Chain) else [link]
    return found


def test_what_is_asked_is_tried_again_outermost_and_files_are_sent_last() -> None:
    names = [type(link).__name__ for link in flat(requester(load(Config, {}), needs(), parts()))]
    assert [name for name in names if name != "Element"] == [
        "Retry",
        "GoOn",
        "UpdatePath",
        "BeginClient",
        "Refresh",
        "ReportConnections",
        "Memory",
        "SetUrl",
        "Heal",
        "Dial",
        "DescribeClient",
        "FollowUpstream",
        "OfferKernel",
        "RememberPrefixes",
        "SendFilesClient",
        "KeepPath",
        "AskChannel",
    ]


def named(name: str, environ: dict[str, str], made: Parts) -> object:
    links = flat(requester(load(Config, environ), needs(), made))
    return next(link for link in links if type(link).__name__ == name)


def test_settings_reach_the_elements_they_are_for() -> None:
    environ = {"NSM_CONNECT_TO": "unix:///m.sock", "NSM_NETNS": "/proc/7/ns/net"}
    assert named("SetUrl", environ, parts()).url == "unix:///m.sock"
    assert named("OfferKernel", environ, parts()).namespace == {"inodeURL": "file:///proc/7/ns/net"}
    assert named("Retry", {"NSM_REQUEST_TIMEOUT": "3s"}, parts()).each == 3


def test_the_check_that_packets_pass_is_the_healers() -> None:
    async def alive(_conn: object) -> bool:
        return True

    check = Liveness(alive, 0.2, 1.0)
    assert named("Heal", {}, replace(parts(), liveness=check)).keeping.liveness is check
    assert named("Heal", {}, parts()).keeping.liveness is None
