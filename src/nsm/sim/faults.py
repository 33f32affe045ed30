"""What goes wrong, and how it is put right again, by the kinds that stories name."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from nsm.dataplane.fake import healthy
from nsm.dataplane.ops import DelLink, LinkEnd, Op
from nsm.errors import NsmError
from nsm.sim.mesh import Mesh
from nsm.sim.story import Fault

Doing = Callable[[Mesh, Fault], Awaitable[None]]


async def befall(mesh: Mesh, fault: Fault) -> None:
    """Let it happen at its time, and end at its end."""
    await asyncio.sleep(fault.at - asyncio.get_running_loop().time())
    mesh.trace("fault", f"{fault.kind} {fault.whom} {fault.amount:g}", aloud=True)
    await KINDS[fault.kind](mesh, fault)
    if fault.lasting:
        mesh.trace("fault", f"{fault.kind} {fault.whom} is over", aloud=True)


async def kill(mesh: Mesh, fault: Fault) -> None:
    """The program dies, and is started again."""
    mesh.kill(fault.whom)
    await asyncio.sleep(fault.lasting)
    mesh.start(fault.whom)


async def stop(mesh: Mesh, fault: Fault) -> None:
    """The program ends in peace, and is started again."""
    await mesh.stop(fault.whom)
    await asyncio.sleep(fault.lasting)
    mesh.start(fault.whom)


async def leave(mesh: Mesh, fault: Fault) -> None:
    """The program ends in peace, for good."""
    await mesh.stop(fault.whom)
    mesh.gone.add(fault.whom)


async def remove(mesh: Mesh, fault: Fault) -> None:
    """A workload goes with its namespace; another comes in its place."""
    mesh.kill(fault.whom)
    mesh.forget_space(fault.whom)
    await asyncio.sleep(fault.lasting)
    mesh.start(fault.whom)


async def reboot(mesh: Mesh, fault: Fault) -> None:
    """A host is switched off, and on again."""
    here = [name for name, role in mesh.roles.items() if role.host == fault.whom]
    lived = [name for name in here if name in mesh.wanted]
    for name in lived:
        mesh.kill(name)
    for name in list(mesh.spaces.get(fault.whom, ())):
        mesh.forget_space(name)
    await asyncio.sleep(fault.lasting)
    for name in lived:
        mesh.start(name)


async def lose(mesh: Mesh, fault: Fault) -> None:
    """Messages to and from a program get lost."""
    await _for_a_while(mesh.network.lossy, fault)


async def slow(mesh: Mesh, fault: Fault) -> None:
    """Messages to and from a host take their time."""
    await _for_a_while(mesh.network.slow, fault)


async def reset(mesh: Mesh, fault: Fault) -> None:
    """All connections of a program break."""
    if running := mesh.running.get(fault.whom):
        mesh.network.reset(running.process)


async def cancel(mesh: Mesh, fault: Fault) -> None:
    """Whatever a program is asking for, it is given up half way."""
    for wire in list(mesh.network.wires):
        if wire.caller.name == fault.whom:
            wire.give_up()


async def cut(mesh: Mesh, fault: Fault) -> None:
    """Nothing gets from one host to another, in one direction or in both."""
    await _cut(mesh, fault.lasting, _ways(fault.whom))


async def cut_off(mesh: Mesh, fault: Fault) -> None:
    """A host hears nothing of any other, and none of it."""
    others = [name for name in mesh.hosts if name != fault.whom]
    ways = [way for other in others for way in ((fault.whom, other), (other, fault.whom))]
    await _cut(mesh, fault.lasting, ways)


async def break_(mesh: Mesh, fault: Fault) -> None:
    """Some of what the kernel is asked to do fails."""
    kernel = mesh.hosts[fault.whom].kernel

    def strike(_at: int, op: Op) -> NsmError | None:
        unlucky = mesh.chance.random() < fault.amount and not isinstance(op, DelLink)
        return NsmError("the kernel was told to fail") if unlucky else None

    kernel.fault = strike
    await asyncio.sleep(fault.lasting)
    if kernel.fault is strike:
        kernel.fault = healthy


async def skew(mesh: Mesh, fault: Fault) -> None:
    """A host's clock is wrong."""
    mesh.hosts[fault.whom].skew = fault.amount
    await asyncio.sleep(fault.lasting)
    mesh.hosts[fault.whom].skew = 0.0


async def tear(mesh: Mesh, fault: Fault) -> None:
    """Somebody removes a client's interface by hand."""
    kernel, space = mesh.hosts[mesh.roles[fault.whom].host].kernel, mesh.space(fault.whom)
    for netns, name in list(kernel.links_at):
        if netns == space and (netns, name) in kernel.links_at:
            kernel.carry_out((DelLink(LinkEnd(netns, name)),))


async def _for_a_while(shares: dict[str, float], fault: Fault) -> None:
    shares[fault.whom] = fault.amount
    await asyncio.sleep(fault.lasting)
    shares.pop(fault.whom, None)


async def _cut(mesh: Mesh, lasting: float, ways: Sequence[tuple[str, str]]) -> None:
    made = [way for way in ways if way not in mesh.network.cuts]
    for way in made:
        mesh.network.cut(*way)
    await asyncio.sleep(lasting)
    for way in made:
        mesh.network.mend(*way)


def _ways(whom: str) -> list[tuple[str, str]]:
    for arrow in "><|":
        a, found, b = whom.partition(arrow)
        if found:
            return {">": [(a, b)], "<": [(b, a)], "|": [(a, b), (b, a)]}[arrow]
    return []


KINDS: dict[str, Doing] = {
    "kill": kill,
    "stop": stop,
    "leave": leave,
    "remove": remove,
    "reboot": reboot,
    "lose": lose,
    "slow": slow,
    "reset": reset,
    "cancel": cancel,
    "cut": cut,
    "cut off": cut_off,
    "break": break_,
    "skew": skew,
    "tear": tear,
}
