"""The order of an endpoint that passes on: a server, and a client within."""

from nsm.api.mechanism import Mechanism
from nsm.chains.needs import Needs
from nsm.components.endpoint.config import PassthroughConfig
from nsm.components.endpoint.recipe import Parts, passthrough
from nsm.config import load
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.forward import PASS_ALL
from nsm.elements.discovery import ReplaceService
from nsm.elements.kernel import CarryThrough
from nsm.elements.lifecycle import CloseAtEnd, CloseWhenIdle
from nsm.elements.reach import Connect
from nsm.sdk import Chain, Clock, Element, Handler, Slot, Tasks
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party
from nsm.sdk.trace import _Traced

CLOCK = Clock()


def needs(name: str) -> Needs:
    who = party(f"spiffe://test/{name}", CLOCK)
    dialer = Switchboard(Tasks(), CLOCK).dialer(who)
    return Needs(name=name, tokens=who.tokens, dialer=dialer, authorize=Element())


def recipe() -> Chain[Handler]:
    here = netns()
    carrier = Carrier(FakeKernel(), here, Tasks())
    parts = Parts(
        asker=needs("pass-client"),
        idle=CloseWhenIdle(0, lambda: None, CLOCK),
        ending=CloseAtEnd(CLOCK),
        carry=CarryThrough(carrier, here, Slot[Mechanism](), PASS_ALL),
        service=ReplaceService("next"),
        interface="nsm-2",
        labels={"app": "a"},
        authorize=Element(),
    )
    return passthrough(load(PassthroughConfig, {}), needs("pass"), parts)


def test_packets_are_carried_when_both_sides_have_agreed() -> None:
    names = [type(link).__name__ for link in recipe().links]
    assert names[names.index("TrimPath") + 1 :] == [
        "Element",  # where admission stands
        "CloseWhenIdle",
        "SelectMechanism",
        "SendFiles",
        "CloseAtEnd",
        "CarryThrough",
        "SignForOurselves",
        "Connect",
    ]


def test_onward_it_asks_under_a_name_of_its_own_as_somebody_elses_client() -> None:
    (connect,) = (link for link in recipe().links if isinstance(link, Connect))
    names, handler, asker = [], connect.onward, None
    while isinstance(handler, _Traced):
        bound = handler.inner
        names.append(handler.name)
        asker = asker or getattr(bound.element, "name", None)
        handler = getattr(bound, "next", bound)
    assert asker == "pass-client"
    after_dial = names[names.index("Dial") + 1 : names.index("KeepPath")]
    assert [name for name in after_dial if name != "Element"] == [
        "ReplaceLabels",
        "ReplaceService",
        "RememberNextEndpoint",
        "TranslateMechanism",
        "OfferKernel",
        "SendFilesClient",
    ]
