"""What a kernel interface is asked for with."""

from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, REMOTE, VXLAN, Mechanism
from nsm.elements.mechanism.offer_kernel import OfferKernel
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

OURS = "file:///proc/self/ns/net"


async def offers(element: OfferKernel, *given: Mechanism) -> tuple[Mechanism, ...]:
    end = Recorder()
    request = Request(Connection("c", network_service="icmp-responder"), given)
    await element.bind(end).request(Call(), request)
    return end.requests[0].preferences


async def test_an_offer_is_made_where_there_was_none() -> None:
    far = Mechanism(REMOTE, VXLAN)
    kept, made = await offers(OfferKernel(OURS), far)
    assert kept == far
    assert (made.cls, made.type, made.get(INODE_URL)) == (LOCAL, KERNEL, OURS)
    assert made.get(NAME).startswith("icmp-r-")


async def test_a_wished_name_is_kept_and_the_namespace_is_ours() -> None:
    wished = Mechanism(LOCAL, KERNEL, {NAME: "nsm-1", INODE_URL: "file:///somewhere"})
    (made,) = await offers(OfferKernel(OURS), wished)
    assert made.parameters == {NAME: "nsm-1", INODE_URL: OURS}


async def test_a_given_name_wins() -> None:
    (made,) = await offers(OfferKernel(OURS, name="nsm-7"), Mechanism(LOCAL, KERNEL))
    assert made.get(NAME) == "nsm-7"


async def test_without_a_namespace_of_our_own_none_is_named() -> None:
    (made,) = await offers(OfferKernel())
    assert set(made.parameters) == {NAME}
