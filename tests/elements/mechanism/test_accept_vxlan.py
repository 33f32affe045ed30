"""A tunnel that ends here."""

import pytest

from nsm.api.context import ConnectionContext
from nsm.api.mechanism import KERNEL, LOCAL, REMOTE, VXLAN, Mechanism
from nsm.dataplane.driver import VniTaken
from nsm.elements.mechanism.accept_vxlan import CHOICES, AcceptVxlan
from nsm.elements.mechanism.vnis import Vnis
from nsm.errors import Exhausted, Invalid
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

OFFER = Mechanism(REMOTE, VXLAN, {"src_ip": "10.0.0.1", "src_port": "4789", "MTU": "1450"})


@pytest.fixture
def vnis() -> Vnis:
    return Vnis()


@pytest.fixture
def end() -> Recorder:
    return Recorder()


@pytest.fixture
def entry(vnis, end):
    return AcceptVxlan("10.0.0.2", vnis, mtu=1400).bind(end)


def asking(id: str = "c", **parameters: str) -> Request:
    return Request(Connection(id, mechanism=OFFER.having(**parameters)))


async def test_the_answer_says_where_the_tunnel_ends_and_what_it_passes(entry, vnis) -> None:
    conn = await entry.request(Call(), asking())
    assert conn.mechanism == OFFER.having(
        dst_ip="10.0.0.2", dst_port="4789", vni=str(vnis.of("c")), MTU="1400"
    )
    assert vnis.of("c") % 2 == 0
    assert conn.context == ConnectionContext(mtu=1400)


async def test_a_refresh_keeps_the_vni_whatever_is_asked(entry, vnis) -> None:
    conn = await entry.request(Call(), asking())
    assert await entry.request(Call(), Request(conn)) == conn
    again = await entry.request(Call(), asking(vni="9"))
    assert again.mechanism == conn.mechanism


async def test_a_vni_from_before_our_restart_is_kept_if_nobody_has_it(entry, vnis) -> None:
    first = await entry.request(Call(), asking("a", vni="10"))
    second = await entry.request(Call(), asking("b", vni="10"))
    assert first.mechanism
    assert first.mechanism.get("vni") == "10"
    assert second.mechanism
    assert second.mechanism.get("vni") != "10"


async def test_a_failure_and_a_close_give_the_vni_back(entry, vnis, end) -> None:
    conn = await entry.request(Call(), asking())
    await entry.close(Call(), conn)
    end.failing = Exhausted("no room")
    with pytest.raises(Exhausted):
        await entry.request(Call(), asking())
    assert not vnis.taken


async def test_a_failed_refresh_keeps_the_vni(entry, vnis, end) -> None:
    conn = await entry.request(Call(), asking())
    end.failing = Exhausted("no room")
    with pytest.raises(Exhausted):
        await entry.request(Call(), Request(conn))
    assert vnis.of("c")


async def test_a_vni_the_kernel_has_gives_way_to_another(vnis) -> None:
    class Taken(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            conn = await super().request(call, request)
            if len(self.requests) == 1:
                raise VniTaken("in use")
            return conn

    end = Taken()
    conn = await AcceptVxlan("10.0.0.2", vnis).bind(end).request(Call(), asking(vni="10"))
    first, second = (r.connection.mechanism.get("vni") for r in end.requests)
    assert first == "10"
    assert second == str(vnis.of("c")) != "10"
    assert conn.mechanism == end.requests[1].connection.mechanism


async def test_a_kernel_that_has_them_all_is_believed_in_the_end(vnis) -> None:
    end = Recorder(failing=VniTaken("in use"))
    with pytest.raises(VniTaken):
        await AcceptVxlan("10.0.0.2", vnis).bind(end).request(Call(), asking())
    assert len(end.requests) == CHOICES
    assert not vnis.taken


@pytest.mark.parametrize("lie", [{"src_ip": "239.1.1.1"}, {"src_ip": "fd00::1"}, {"vni": "x"}])
async def test_a_lie_is_refused_before_anyone_else_hears_it(entry, end, lie) -> None:
    with pytest.raises(Invalid):
        await entry.request(Call(), asking(**lie))
    assert not end.heard


async def test_other_mechanisms_pass(entry) -> None:
    asked = Request(Connection("c", mechanism=Mechanism(LOCAL, KERNEL)))
    assert await entry.request(Call(), asked) == asked.connection
