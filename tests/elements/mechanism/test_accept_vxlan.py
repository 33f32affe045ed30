"""A tunnel that ends here."""

import pytest

from nsm.api.context import ConnectionContext
from nsm.api.mechanism import KERNEL, LOCAL, REMOTE, VXLAN, Mechanism
from nsm.dataplane.driver import VniTaken
from nsm.dataplane.ledger import Tag
from nsm.dataplane.vnis import Vnis
from nsm.elements.mechanism.accept_vxlan import CHOICES, AcceptVxlan
from nsm.errors import Exhausted, Invalid, NotFound
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder

OFFER = Mechanism(REMOTE, VXLAN, {"src_ip": "10.0.0.1", "src_port": "4789", "MTU": "1450"})


@pytest.fixture
def vnis() -> Vnis:
    return Vnis()


@pytest.fixture
def end() -> Recorder:
    return Recorder()


@pytest.fixture
def lifetime() -> Lifetime:
    return Lifetime()


async def established(entry, lifetime, id: str = "c") -> Connection:
    conn = await entry.request(lifetime.call, asking(id))
    lifetime.life.last = conn
    return conn


def vni_in(conn: Connection) -> int:
    assert conn.mechanism
    return int(conn.mechanism.get("vni"))


@pytest.fixture
def entry(vnis, end):
    return AcceptVxlan("10.0.0.2", vnis, mtu=1400).bind(end)


def asking(id: str = "c", **parameters: str) -> Request:
    return Request(Connection(id, mechanism=OFFER.having(**parameters)))


async def test_the_answer_says_where_the_tunnel_ends_and_what_it_passes(entry, lifetime) -> None:
    conn = await established(entry, lifetime)
    assert conn.mechanism == OFFER.having(
        dst_ip="10.0.0.2", dst_port="4789", vni=str(vni_in(conn)), MTU="1400"
    )
    assert vni_in(conn) % 2 == 0
    assert conn.context == ConnectionContext(mtu=1400)


async def test_a_refresh_keeps_the_vni_whatever_is_asked(entry, lifetime) -> None:
    conn = await established(entry, lifetime)
    assert await entry.request(lifetime.call, Request(conn)) == conn
    again = await entry.request(lifetime.call, asking(vni="9"))
    assert again.mechanism == conn.mechanism


async def test_a_vni_from_before_our_restart_is_kept_if_nobody_has_it(entry) -> None:
    first = await entry.request(Lifetime().call, asking("a", vni="10"))
    second = await entry.request(Lifetime().call, asking("b", vni="10"))
    assert vni_in(first) == 10
    assert vni_in(second) != 10


async def test_a_failure_and_a_close_give_the_vni_back(entry, vnis, end, lifetime) -> None:
    await entry.close(lifetime.call, await established(entry, lifetime))
    assert len(vnis) == 0
    end.failing = Exhausted("no room")
    with pytest.raises(Exhausted):
        await entry.request(Lifetime().call, asking())
    assert len(vnis) == 0


async def test_a_failed_refresh_keeps_the_vni(entry, vnis, end, lifetime) -> None:
    conn = await established(entry, lifetime)
    end.failing = Exhausted("no room")
    with pytest.raises(Exhausted):
        await entry.request(lifetime.call, Request(conn))
    assert len(vnis) == 1


async def test_what_stands_instead_of_another_has_a_vni_of_its_own(entry, vnis, lifetime) -> None:
    first = await established(entry, lifetime)
    beside = Lifetime()
    beside.life.instead = lifetime.life
    second = await entry.request(beside.call, asking())
    assert vni_in(second) != vni_in(first)
    assert len(vnis) == 2
    await entry.close(lifetime.call, first)
    assert len(vnis) == 1
    beside.life.last = second
    assert await entry.request(beside.call, asking()) == second


async def test_a_vni_found_at_a_restart_is_its_connections_again(vnis) -> None:
    vnis.hold(Tag.of("c", "").connection, 10)
    entry = AcceptVxlan("10.0.0.2", vnis).bind(Recorder())
    assert vni_in(await entry.request(Lifetime().call, asking("c"))) == 10
    assert vni_in(await entry.request(Lifetime().call, asking("d", vni="10"))) != 10


async def test_a_vni_found_at_a_restart_outlives_a_request_that_fails(vnis, end) -> None:
    vnis.hold(Tag.of("c", "").connection, 10)
    entry = AcceptVxlan("10.0.0.2", vnis).bind(end)
    end.failing = NotFound("the end of the chain is still to register again")
    with pytest.raises(NotFound):
        await entry.request(Lifetime().call, asking("c"))
    end.failing = None
    assert vni_in(await entry.request(Lifetime().call, asking("c"))) == 10


async def test_a_vni_the_kernel_has_gives_way_to_another(vnis) -> None:
    class Taken(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            conn = await super().request(call, request)
            if len(self.requests) == 1:
                raise VniTaken("in use")
            return conn

    end = Taken()
    conn = await AcceptVxlan("10.0.0.2", vnis).bind(end).request(Lifetime().call, asking(vni="10"))
    first, second = (r.connection.mechanism.get("vni") for r in end.requests)
    assert first == "10"
    assert second != "10"
    assert conn.mechanism == end.requests[1].connection.mechanism


async def test_a_kernel_that_has_them_all_is_believed_in_the_end(vnis) -> None:
    end = Recorder(failing=VniTaken("in use"))
    with pytest.raises(VniTaken):
        await AcceptVxlan("10.0.0.2", vnis).bind(end).request(Lifetime().call, asking())
    assert len(end.requests) == CHOICES
    assert len(vnis) == 0


@pytest.mark.parametrize("lie", [{"src_ip": "239.1.1.1"}, {"src_ip": "fd00::1"}, {"vni": "x"}])
async def test_a_lie_is_refused_before_anyone_else_hears_it(entry, end, lie) -> None:
    with pytest.raises(Invalid):
        await entry.request(Lifetime().call, asking(**lie))
    assert not end.heard


async def test_other_mechanisms_pass(entry) -> None:
    asked = Request(Connection("c", mechanism=Mechanism(LOCAL, KERNEL)))
    assert await entry.request(Lifetime().call, asked) == asked.connection
