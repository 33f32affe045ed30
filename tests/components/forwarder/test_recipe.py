"""The order of the forwarder's elements (W §3.9)."""

from nsm.api.mechanism import KERNEL, VXLAN, Mechanism
from nsm.chains.needs import Needs
from nsm.components.forwarder.recipe import Parts, forwarder
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.plan import Underlay
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.mechanism import AcceptVxlan, OfferVxlan, SelectMechanism, Vnis
from nsm.elements.reach import Connect
from nsm.sdk import Clock, Element, Slot, Tasks
from nsm.sdk.registry import NowhereElse
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party
from nsm.sdk.trace import _Traced

CLOCK = Clock()


def recipe():
    who = party("spiffe://test/fwd", CLOCK)
    needs = Needs(
        name="fwd",
        tokens=who.tokens,
        dialer=Switchboard(Tasks(), CLOCK).dialer(who),
        authorize=Element(),
    )
    parts = Parts(
        services=NowhereElse(),
        endpoints=NowhereElse(),
        ways={KERNEL: Element(), VXLAN: AcceptVxlan("10.0.0.1", Vnis())},
        offer=OfferVxlan("10.0.0.1"),
        join=JoinNamespaces(FakeKernel(), Underlay(netns()), Slot[Mechanism]()),
        authorize=Element(),
    )
    return forwarder(needs, parts)


def test_files_come_first_and_the_kernel_is_last_to_hear_and_first_to_act() -> None:
    names = [type(link).__name__ for link in recipe().links]
    after_trim = names[names.index("TrimPath") + 1 :]
    assert after_trim == [
        "Element",  # where admission stands
        "SendFiles",
        "ReceiveFiles",
        "DiscoverEndpoint",
        "TakeTurns",
        "LeaveBehind",
        "MakeBeforeBreak",
        "SelectMechanism",
        "JoinNamespaces",
        "Connect",
    ]


def test_both_kernel_interfaces_and_tunnels_can_be_selected() -> None:
    (select,) = (link for link in recipe().links if isinstance(link, SelectMechanism))
    assert set(select.ways) == {"KERNEL", "VXLAN"}


def onward(recipe) -> list[str]:
    """The links of the client part, as they were bound."""
    (connect,) = (link for link in recipe.links if isinstance(link, Connect))
    names, handler = [], connect.onward
    while isinstance(handler, _Traced):
        bound = handler.inner
        names.append(handler.name)
        handler = getattr(bound, "next", bound)
    return names


def test_towards_the_endpoint_offers_are_made_then_filtered_and_files_sent_last() -> None:
    names = onward(recipe())
    additional = names[names.index("Dial") + 1 : names.index("KeepPath")]
    assert [name for name in additional if name != "Element"] == [
        "TranslateMechanism",
        "OfferKernel",
        "OfferVxlan",
        "FilterMechanisms",
        "ReceiveFilesClient",
        "SendFilesClient",
    ]
