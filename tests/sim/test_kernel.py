"""Whether packets pass is judged anew whenever anything has changed."""

from ipaddress import ip_address, ip_interface
from pathlib import Path
from random import Random

from nsm.api.connection import Connection
from nsm.api.context import ConnectionContext, IpContext
from nsm.api.mechanism import NAME, Mechanism
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.forward import Joint, Port
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddVeth,
    AddVxlan,
    DelAddress,
    DelLink,
    LinkEnd,
    Op,
    TakeName,
)
from nsm.dataplane.plan.beside import leaving
from nsm.sim.joints import SimCarrier, follow
from nsm.sim.kernel import Packets
from nsm.sim.network import Network
from nsm.sim.process import Host, Joined, Process
from nsm.sim.trace import Trace

CLIENT, MIDDLE, END = netns(), netns(), netns()
OURS, THEIRS = ip_interface("172.16.0.1/24"), ip_interface("172.16.0.2/24")
CONN = Connection(
    mechanism=Mechanism(parameters={NAME: "nsm-1"}),
    context=ConnectionContext(IpContext((str(OURS),), (str(THEIRS),))),
)


class Ground:
    """Two hosts, and what is judged of a client on the first."""

    def __init__(self) -> None:
        self.network = Network(Random(0), Trace())
        self.a, self.b = (self.host(name, f"10.0.0.{at}") for at, name in enumerate("ab", 1))
        self.packets = Packets(self.network)

    def host(self, name: str, ip: str) -> Host:
        host = Host(
            name=name,
            ip=ip,
            folder=Path(),
            kernel=FakeKernel(),
            netns=netns(),
            key=NodeKey(name.encode()),
        )
        self.network.add(host)
        return host

    def tunnel(self, host: Host, space: Netns, other: Host) -> Op:
        ends = ip_address(host.ip), ip_address(other.ip)
        return AddVxlan(host.netns, LinkEnd(space, "nsm-1"), 7, *ends)

    @property
    def carries(self) -> bool:
        """Both ways of asking say the same."""
        near = self.a.kernel.links_at.get((CLIENT, "nsm-1"))
        passed = near is not None and self.packets.passed(self.a, near)
        assert self.packets.carried(self.a, CLIENT, CONN) is passed
        return passed


def test_a_change_to_the_kernel_at_either_end_is_seen() -> None:
    on = Ground()
    assert not on.carries
    on.a.kernel.carry_out([on.tunnel(on.a, CLIENT, on.b), AddAddress(CLIENT, "nsm-1", OURS)])
    assert not on.carries
    made = on.b.kernel.carry_out([on.tunnel(on.b, END, on.a), AddAddress(END, "nsm-1", THEIRS)])
    assert on.carries
    on.b.kernel.take_back(made[1:])
    assert not on.carries
    on.b.kernel.carry_out([AddAddress(END, "nsm-1", THEIRS)])
    assert on.carries
    on.a.kernel.carry_out([DelAddress(CLIENT, "nsm-1", OURS)])
    assert not on.carries
    on.a.kernel.carry_out([AddAddress(CLIENT, "nsm-1", OURS)])
    assert on.carries
    on.a.kernel.carry_out([DelLink(LinkEnd(CLIENT, "nsm-1"))])
    assert not on.carries


def test_a_cut_between_the_hosts_is_seen_and_so_is_its_end() -> None:
    on = Ground()
    on.a.kernel.carry_out([on.tunnel(on.a, CLIENT, on.b), AddAddress(CLIENT, "nsm-1", OURS)])
    on.b.kernel.carry_out([on.tunnel(on.b, END, on.a), AddAddress(END, "nsm-1", THEIRS)])
    assert on.carries
    on.network.cuts["b", "a"] = 1.0
    assert not on.carries
    del on.network.cuts["b", "a"]
    assert on.carries


def test_what_a_passthrough_joins_and_lets_go_of_is_seen() -> None:
    on = Ground()
    on.a.kernel.carry_out(
        [
            AddVeth(LinkEnd(CLIENT, "nsm-1"), LinkEnd(MIDDLE, "in")),
            AddVeth(LinkEnd(MIDDLE, "out"), LinkEnd(END, "nsm-1")),
            AddAddress(CLIENT, "nsm-1", OURS),
            AddAddress(END, "nsm-1", THEIRS),
        ]
    )
    assert not on.carries
    joint = Joint(MIDDLE, Port("in"), Port("out"))
    on.a.joints[MIDDLE, joint.table] = Joined(joint, Process(name="p1", life=1, host=on.a))
    follow(on.a)
    assert on.carries
    on.a.joints.clear()
    assert not on.carries


async def test_a_way_on_that_was_moved_carries_who_has_not_heard_of_it() -> None:
    on, other = Ground(), netns()
    process = Process(name="p1", life=1, host=on.a)
    carrier = SimCarrier(process, lambda: None)
    on.a.kernel.carry_out(
        [
            AddVeth(LinkEnd(CLIENT, "nsm-1"), LinkEnd(MIDDLE, "in")),
            AddVeth(LinkEnd(MIDDLE, "out"), LinkEnd(END, "nsm-1")),
            AddAddress(CLIENT, "nsm-1", OURS),
            AddAddress(END, "nsm-1", THEIRS),
        ]
    )
    await carrier.keep(Joint(MIDDLE, Port("in", (OURS.ip,)), Port("out", (THEIRS.ip,))))
    new = ip_interface("10.0.1.1/24"), ip_interface("10.0.1.0/24")
    on.a.kernel.carry_out(
        [
            AddVeth(LinkEnd(MIDDLE, "+out"), LinkEnd(other, "nsm-1")),
            AddAddress(other, "nsm-1", new[1]),
            TakeName(LinkEnd(MIDDLE, "+out"), "out", leaving("out")),
        ]
    )
    follow(on.a)
    assert on.carries
    await carrier.keep(Joint(MIDDLE, Port("in", (new[0].ip,)), Port("out", (new[1].ip,))))
    assert on.carries
    on.a.kernel.carry_out([DelLink(LinkEnd(MIDDLE, leaving("out")))])
    follow(on.a)
    assert not on.carries
    on.a.kernel.carry_out([DelAddress(CLIENT, "nsm-1", OURS), AddAddress(CLIENT, "nsm-1", new[0])])
    near = on.a.kernel.links_at[CLIENT, "nsm-1"]
    assert on.packets.passed(on.a, near)
