"""What an endpoint says to a kernel interface."""

from nsm.api.mechanism import INODE_URL, KERNEL, NAME, VXLAN, Mechanism
from nsm.elements.mechanism.answer_kernel import AnswerKernel
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

OURS = "file:///proc/self/ns/net"


async def answer(mechanism: Mechanism | None) -> Mechanism | None:
    request = Request(Connection("c", network_service="vpn", mechanism=mechanism))
    return (await AnswerKernel(OURS).bind(Recorder()).request(Call(), request)).mechanism


async def test_our_namespace_replaces_whatever_the_asker_named() -> None:
    asked = Mechanism(type=KERNEL, parameters={NAME: "nsm-1", INODE_URL: "inode://1/2"})
    assert await answer(asked) == asked.having(inodeURL=OURS)


async def test_an_interface_without_a_name_gets_one() -> None:
    made = await answer(Mechanism(type=KERNEL))
    assert made
    assert made.get(NAME).startswith("vpn-")


async def test_other_mechanisms_are_left_alone() -> None:
    assert await answer(Mechanism(type=VXLAN)) == Mechanism(type=VXLAN)
    assert await answer(None) is None
