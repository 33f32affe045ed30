import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import RESELECT_REQUESTED, UP, Connection, Request
from nsm.api.context import ConnectionContext, DnsContext, IpContext
from nsm.api.mechanism import Mechanism
from nsm.elements.lifecycle import BeginClient
from nsm.errors import Invalid, Unreachable
from nsm.sdk import Call, Element, Handler, Life, Slot, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime


class Change(Element):
    """Answers with what `change` makes of the connection, and keeps the life it saw."""

    def __init__(self, **change: object) -> None:
        self.change = change
        self.life: Life | None = None
        self.slot = Slot[str]()
        self.remembered: list[str | None] = []

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.life = call.life
        self.remembered.append(self.slot.get(call))
        self.slot.put(call, "was here")
        conn = await next.request(call, request)
        return replace(conn, **self.change)


def start(**change: object) -> tuple[Handler, Change, Recorder]:
    changing, end = Change(**change), Recorder()
    return chain(BeginClient(Tasks(), LoopClock()), changing).bind(end), changing, end


def anew(conn: Connection) -> Connection:
    return replace(conn, mechanism=None, endpoint="", state=RESELECT_REQUESTED)


async def test_what_stands_now_is_asked_for_and_not_what_was_answered_before() -> None:
    entry, changing, end = start(endpoint="one", mechanism=Mechanism(type="KERNEL"))
    returned = await entry.request(Call(), Request(Connection("c")))
    changing.change = {"endpoint": "two"}
    assert changing.life
    await changing.life.again(None)
    await entry.request(Call(), Request(returned))
    assert end.requests[-1].connection == replace(returned, endpoint="two")


async def test_an_endpoint_the_asker_chose_anew_wins() -> None:
    entry, _, end = start()
    returned = await entry.request(Call(), Request(Connection("c", endpoint="one")))
    await entry.request(Call(), Request(replace(returned, endpoint="two")))
    assert end.requests[-1].connection.endpoint == "two"


async def test_labels_mechanism_and_payload_are_not_the_askers_to_change() -> None:
    entry, _, end = start()
    first = await entry.request(Call(), Request(Connection("c", payload="IP", labels={"a": "b"})))
    await entry.request(Call(), Request(replace(first, payload="ETHERNET", labels={})))
    assert end.requests[-1].connection == first


async def test_a_context_the_asker_edited_replaces_ours_but_extra_context_is_merged() -> None:
    ours = ConnectionContext(mtu=1400, extra_context={"kept": "1", "gone": "1", "set": "1"})
    entry, _, end = start(context=ours)
    returned = await entry.request(Call(), Request(Connection("c")))
    ip, dns = IpContext(src_ip_addrs=("10.0.0.1/32",)), DnsContext()
    theirs = ConnectionContext(
        ip, dns, mtu=1300, extra_context={"kept": "1", "set": "2", "new": "1"}
    )
    await entry.request(Call(), Request(replace(returned, context=theirs)))
    assert end.requests[-1].connection.context == ConnectionContext(
        ip, dns, mtu=1300, extra_context={"kept": "1", "set": "2"}
    )


async def test_a_change_closes_what_stands_and_asks_for_the_changed_with_an_empty_life() -> None:
    entry, changing, end = start(endpoint="one")
    await entry.request(Call(), Request(Connection("c")))
    assert changing.life
    answer = await changing.life.again(anew)
    assert [(verb, conn.endpoint, conn.state) for verb, conn in end.heard] == [
        ("request", "", UP),
        ("close", "one", UP),
        ("request", "", RESELECT_REQUESTED),
    ]
    assert isinstance(answer, Connection)
    assert answer.state == UP
    assert changing.remembered == [None, None]


async def test_after_a_change_that_failed_the_asker_goes_on_with_the_change() -> None:
    entry, changing, end = start(endpoint="one")
    returned = await entry.request(Call(), Request(Connection("c")))
    end.failing = Unreachable("no")
    assert changing.life
    for _ in range(2):
        with pytest.raises(Unreachable):
            await changing.life.again(anew)
    assert end.verbs == ["request c", "close c", "request c", "request c"]
    end.failing = None
    await entry.request(Call(), Request(returned))
    assert end.requests[-1].connection.state == RESELECT_REQUESTED


async def test_what_was_closed_is_not_asked_for_again() -> None:
    entry, changing, end = start()
    conn = await entry.request(Call(), Request(Connection("c")))
    await entry.close(Call(), conn)
    assert changing.life
    assert await changing.life.again(None) is None
    assert end.verbs == ["request c", "close c"]


async def test_a_fired_request_takes_no_longer_than_the_first_was_given() -> None:
    class Hang(Element):
        hanging = False

        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            await asyncio.sleep(60 if self.hanging else 0)
            return await next.request(call, request)

    hang, changing = Hang(), Change()
    entry = chain(BeginClient(Tasks(), LoopClock()), changing, hang).bind(Recorder())
    await entry.request(Call(deadline=5.0), Request(Connection("c")))
    hang.hanging = True
    assert changing.life
    with pytest.raises(TimeoutError):
        await changing.life.again(None)
    assert asyncio.get_running_loop().time() == 5


async def test_a_connection_without_an_id_is_refused() -> None:
    with pytest.raises(Invalid):
        await start()[0].request(Call(), Request(Connection()))


async def test_inside_a_servers_chain_it_stands_aside() -> None:
    end = Recorder()
    outer, inner = BeginClient(Tasks(), LoopClock()), BeginClient(Tasks(), LoopClock())
    entry = chain(outer, inner).bind(end)
    conn = await entry.request(Call(), Request(Connection("c")))
    await entry.close(Call(), conn)
    assert end.verbs == ["request c", "close c"]
    assert len(inner.lives) == 0
