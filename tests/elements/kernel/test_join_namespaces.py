"""A vWire in the kernel, from first request to close."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_interface

import pytest

from nsm.api.connection import IP, Path, Segment
from nsm.api.context import IpContext, Route
from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, REMOTE, VXLAN, Mechanism
from nsm.dataplane.driver import VniTaken
from nsm.dataplane.fake import FakeKernel, failing_at, netns
from nsm.dataplane.ledger import Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.plan import Underlay
from nsm.elements.kernel.join_namespaces import ASKS, JoinNamespaces
from nsm.errors import Invalid, NsmError, Unsupported
from nsm.sdk import Call, Connection, Handler, Request, Slot
from nsm.sdk.testing import Lifetime, Recorder

SPACES = {"file:///client": netns(), "file:///endpoint": netns(), "file:///other": netns()}
CLIENT, ENDPOINT, OTHER = SPACES.values()
NODE = netns()


def kernel_end(url: str, name: str) -> Mechanism:
    return Mechanism(LOCAL, KERNEL, {INODE_URL: url, NAME: name})


NEAR, FAR = kernel_end("file:///client", "nsm-1"), kernel_end("file:///endpoint", "vpn-1")
TUNNEL = Mechanism(
    REMOTE, VXLAN, {"src_ip": "10.0.0.1", "dst_ip": "10.0.0.2", "vni": "6", "MTU": "1450"}
)
CONTEXT = IpContext(
    src_ip_addrs=("10.1.0.1/32",),
    dst_ip_addrs=("10.1.0.0/32",),
    src_routes=(Route("10.1.0.0/32"),),
    dst_routes=(Route("10.1.0.1/32"),),
)


def opened(url: str) -> Netns:
    if url in SPACES:
        return SPACES[url]
    raise Invalid(f"{url!r} is not a network namespace")


@dataclass
class Onward(Recorder):
    """The next hop: agrees, on the mechanisms it was given, one after another."""

    slot: Slot[Mechanism] = field(default_factory=lambda: Slot[Mechanism]())
    agreed: list[Mechanism] = field(default_factory=lambda: [FAR])

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        self.slot.put(call, self.agreed[min(len(self.requests), len(self.agreed)) - 1])
        return request.connection.with_ip(CONTEXT)


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@pytest.fixture
def onward() -> Onward:
    return Onward()


@pytest.fixture
def lifetime() -> Lifetime:
    return Lifetime()


@pytest.fixture
def entry(kernel: FakeKernel, onward: Onward) -> Handler:
    return JoinNamespaces(kernel, Underlay(NODE), onward.slot, namespace=opened).bind(onward)


def asking(near: Mechanism = NEAR) -> Request:
    return Request(Connection("c", mechanism=near, payload=IP))


async def established(entry: Handler, lifetime: Lifetime, near: Mechanism = NEAR) -> Connection:
    conn = await entry.request(lifetime.call, asking(near))
    lifetime.life.last = conn
    return conn


async def test_a_local_vwire_is_one_pair_with_an_end_in_each_workload(
    entry, kernel, lifetime
) -> None:
    await established(entry, lifetime)
    client, endpoint = kernel.links_at[CLIENT, "nsm-1"], kernel.links_at[ENDPOINT, "vpn-1"]
    assert client.peer == (ENDPOINT, "vpn-1")
    assert [str(a) for a in client.addresses] == ["10.1.0.1/32"]
    assert [str(a) for a in endpoint.addresses] == ["10.1.0.0/32"]
    assert client.alias == str(Tag.of("c", "client"))
    assert len(kernel.links_at) == 2


async def test_an_initiating_node_makes_the_tunnels_end_in_the_client(
    entry, kernel, onward, lifetime
) -> None:
    onward.agreed = [TUNNEL]
    conn = await established(entry, lifetime)
    link = kernel.links_at[CLIENT, "nsm-1"]
    assert (link.kind, link.vni, link.mtu) == ("vxlan", (NODE, 4789, 6), 1450)
    assert [str(a) for a in link.addresses] == ["10.1.0.1/32"]
    assert link.alias == str(Tag.of("c", "client", 6))
    assert conn.mechanism == NEAR


async def test_an_accepting_node_makes_the_tunnels_end_in_the_endpoint(
    entry, kernel, lifetime
) -> None:
    await established(entry, lifetime, TUNNEL)
    assert list(kernel.links_at) == [(ENDPOINT, "vpn-1")]
    assert [str(a) for a in kernel.links_at[ENDPOINT, "vpn-1"].addresses] == ["10.1.0.0/32"]


async def test_what_another_built_for_the_same_place_in_the_path_is_brought_up_to_date(
    entry, kernel, onward, lifetime
) -> None:
    await established(entry, lifetime)
    stood = kernel.links_at[CLIENT, "nsm-1"]
    stood.addresses[ip_interface("10.9.9.9/32")] = None
    heir = JoinNamespaces(kernel, Underlay(NODE), onward.slot, namespace=opened).bind(onward)
    path = Path(1, (Segment("nm", "m"), Segment("heir", "c"), Segment("nse", "e")))
    asked = replace(asking().connection, path=path)
    await heir.request(Lifetime().call, asking().carrying(asked))
    now = kernel.links_at[CLIENT, "nsm-1"]
    assert now is stood
    assert [str(a) for a in now.addresses] == ["10.1.0.1/32"]


async def test_a_close_removes_it_and_closes_onward(entry, kernel, onward, lifetime) -> None:
    conn = await established(entry, lifetime)
    await entry.close(lifetime.call, conn)
    assert kernel.empty
    assert onward.verbs == ["request c", "close c"]
    await entry.close(lifetime.call, conn)
    assert onward.verbs[-1] == "close c"


async def test_a_kernel_that_cannot_remove_does_not_keep_those_further_on(
    entry, kernel, onward, lifetime
) -> None:
    conn = await established(entry, lifetime)
    kernel.fault = failing_at(kernel.asked + 1)
    with pytest.raises(NsmError, match="told to fail"):
        await entry.close(lifetime.call, conn)
    assert onward.verbs[-1] == "close c"
    await entry.close(lifetime.call, conn)
    assert kernel.empty


async def test_what_stands_is_known_by_its_places(kernel, onward, lifetime) -> None:
    element = JoinNamespaces(kernel, Underlay(NODE), onward.slot, namespace=opened)
    entry = element.bind(onward)
    conn = await established(entry, lifetime)
    assert element.wires.places == {(CLIENT, "nsm-1"), (ENDPOINT, "vpn-1")}
    await entry.close(lifetime.call, conn)
    assert not element.wires.places


async def test_a_refresh_mends_what_someone_broke(entry, kernel, lifetime) -> None:
    conn = await established(entry, lifetime)
    before = {place: link.index for place, link in kernel.links_at.items()}
    kernel.links_at[CLIENT, "nsm-1"].addresses.clear()
    await entry.request(lifetime.call, Request(conn))
    assert [str(a) for a in kernel.links_at[CLIENT, "nsm-1"].addresses] == ["10.1.0.1/32"]
    assert before == {place: link.index for place, link in kernel.links_at.items()}


async def test_a_refresh_led_elsewhere_is_wired_anew(entry, kernel, onward, lifetime) -> None:
    onward.agreed = [FAR, kernel_end("file:///other", "vpn-1")]
    conn = await established(entry, lifetime)
    await entry.request(lifetime.call, Request(conn))
    assert set(kernel.links_at) == {(CLIENT, "nsm-1"), (OTHER, "vpn-1")}
    await entry.close(lifetime.call, conn)
    assert kernel.empty


async def test_a_kernel_that_refuses_leaves_nothing_here_or_further_on(
    entry, kernel, onward, lifetime
) -> None:
    kernel.fault = failing_at(3)
    with pytest.raises(NsmError, match="told to fail"):
        await entry.request(lifetime.call, asking())
    assert kernel.empty
    assert onward.verbs == ["request c", "close c"]


async def test_a_refresh_that_fails_keeps_what_stands(entry, kernel, onward, lifetime) -> None:
    conn = await established(entry, lifetime)
    kernel.fault = failing_at(kernel.asked + 1)
    with pytest.raises(NsmError):
        await entry.request(lifetime.call, Request(conn))
    assert onward.verbs == ["request c", "request c"]
    assert len(kernel.links_at) == 2
    await entry.close(lifetime.call, conn)
    assert kernel.empty


async def test_a_vni_in_use_here_is_given_back_and_another_asked_for(
    kernel, onward, lifetime
) -> None:
    entry = JoinNamespaces(kernel, Underlay(NODE), onward.slot, namespace=opened).bind(onward)
    onward.agreed = [TUNNEL]
    await established(entry, lifetime)
    onward.agreed = [TUNNEL, TUNNEL, TUNNEL.having(vni="8")]
    second = Request(Connection("d", mechanism=kernel_end("file:///other", "nsm-1")))
    await entry.request(Lifetime().call, second)
    assert onward.verbs == ["request c", "request d", "close d", "request d"]
    assert kernel.links_at[OTHER, "nsm-1"].vni == (NODE, 4789, 8)


async def test_a_node_that_never_has_a_free_vni_is_asked_a_few_times_only(
    entry, kernel, onward, lifetime
) -> None:
    onward.agreed = [TUNNEL]
    kernel.fault = lambda _at, _op: VniTaken("in use")
    with pytest.raises(VniTaken):
        await entry.request(lifetime.call, asking())
    assert onward.verbs == ["request c", "close c"] * ASKS


async def test_a_vni_of_our_own_choice_is_for_whoever_chose_it_to_mend(
    entry, kernel, onward, lifetime
) -> None:
    kernel.fault = lambda _at, _op: VniTaken("in use")
    with pytest.raises(VniTaken):
        await entry.request(lifetime.call, asking(TUNNEL))
    assert onward.verbs == ["request c", "close c"]


async def test_what_is_no_namespace_is_refused_before_anyone_else_is_asked(
    entry, onward, lifetime
) -> None:
    with pytest.raises(Invalid, match="not a network namespace"):
        await entry.request(lifetime.call, asking(kernel_end("", "nsm-1")))
    assert not onward.heard


@pytest.mark.parametrize("name", ["", "a" * 16, "a/b", "..", "a b", "a\0b"])
async def test_a_name_the_kernel_would_refuse_is_refused(entry, kernel, onward, lifetime, name):
    with pytest.raises(Invalid, match="interface's name"):
        await entry.request(lifetime.call, asking(kernel_end("file:///client", name)))
    assert kernel.empty
    assert onward.verbs == ["request c", "close c"]


@pytest.mark.parametrize("vni", ["", "x", "0", "16777216", "9" * 5000])
async def test_a_tunnel_without_a_good_vni_is_refused(entry, kernel, onward, lifetime, vni):
    onward.agreed = [TUNNEL.having(vni=vni)]
    with pytest.raises(Invalid):
        await entry.request(lifetime.call, asking())
    assert kernel.empty


async def test_an_answer_that_cannot_be_joined_is_closed(entry, onward, lifetime) -> None:
    onward.agreed = [Mechanism(LOCAL, "MEMIF")]
    with pytest.raises(Unsupported):
        await entry.request(lifetime.call, asking())
    assert onward.verbs == ["request c", "close c"]


async def test_what_could_not_be_removed_of_the_way_before_is_not_forgotten(
    kernel, onward, lifetime
) -> None:
    join = JoinNamespaces(kernel, Underlay(NODE), onward.slot, namespace=opened)
    entry = join.bind(onward)
    conn = await established(entry, lifetime, TUNNEL)
    moved = Lifetime()
    moved.life.instead = lifetime.life
    onward.agreed = [kernel_end("file:///other", "vpn-1")]
    other = replace(TUNNEL, parameters={**TUNNEL.parameters, "vni": "8"})
    await entry.request(moved.call, asking(other))
    kernel.fault = failing_at(kernel.asked + 1)
    with pytest.raises(NsmError, match="told to fail"):
        await entry.close(lifetime.call, conn)
    await join.wires.finish()
    assert [*kernel.links_at] == [(OTHER, "vpn-1")]
