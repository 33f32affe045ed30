"""The worked examples of the wire contract (W §11), number by number, over in-process channels."""

import asyncio

import pytest

from nsm.api.connection import DOWN, UP, Connection, Request, Segment
from nsm.api.monitoring import DELETE, INITIAL_STATE_TRANSFER, UPDATE, ConnectionEvent, Selector
from nsm.chains.client import client as bare_client
from nsm.chains.testing import Domain, Towards, url
from nsm.elements.reach import SetUrl
from nsm.sdk import END, Call, Element, Handler
from nsm.sdk.clock import LoopClock
from nsm.sdk.streams import reading

pytestmark = pytest.mark.looptime


def local(**more: list[str]) -> Domain:
    return Domain(LoopClock(), **{"nm": ["fwd"], "fwd": ["nse"], "nse": [], **more})


def asked(id: str = "nsc-0") -> Request:
    return Request(Connection(id=id, network_service="svc"))


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


def ids(conn: Connection) -> list[str]:
    return [segment.id for segment in conn.hops.segments]


def tokens(conn: Connection) -> list[str]:
    return [segment.token.replace("spiffe://test/", "") for segment in conn.hops.segments]


async def test_a_local_connection_has_four_segments_each_signed_for_the_next_hop() -> None:
    async with local() as domain:
        conn = await domain.client("nsc", "nm").request(Call(), asked())
        assert (conn.id, conn.hops.index, conn.state) == ("nsc-0", 0, UP)
        assert names(conn) == ["nsc", "nm", "fwd", "nse"]
        assert len({*ids(conn)}) == 4
        assert tokens(conn) == ["nsc->nm", "nm->fwd", "fwd->nse", "nse->fwd"]
        assert all(segment.expires for segment in conn.hops.segments)


async def test_the_endpoint_sees_its_own_id_and_index_and_the_tokens_of_all_before_it() -> None:
    async with local() as domain:
        conn = await domain.client("nsc", "nm").request(Call(), asked())
        (seen,) = domain.heard["nse"].requests
        assert (seen.connection.id, seen.connection.hops.index) == (ids(conn)[3], 3)
        assert tokens(seen.connection) == ["nsc->nm", "nm->fwd", "fwd->nse", "nse->fwd"]


async def test_a_refresh_keeps_every_id_and_renews_every_token() -> None:
    async with local() as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), asked())
        await asyncio.sleep(10)
        second = await client.request(Call(), Request(first))
        assert ids(second) == ids(first)
        assert tokens(second) == tokens(first)
        for before, after in zip(first.hops.segments, second.hops.segments, strict=True):
            assert before.expires
            assert after.expires
            assert after.expires.time - before.expires.time == pytest.approx(10, abs=1e-3)


async def test_a_remote_connection_has_six_segments() -> None:
    way = {"nm1": ["fwd1"], "fwd1": ["nm2"], "nm2": ["fwd2"], "fwd2": ["nse"], "nse": []}
    async with Domain(LoopClock(), **way) as domain:
        conn = await domain.client("nsc", "nm1").request(Call(), asked())
        assert names(conn) == ["nsc", "nm1", "fwd1", "nm2", "fwd2", "nse"]
        assert tokens(conn)[-2:] == ["fwd2->nse", "nse->fwd2"]
        assert (conn.id, conn.hops.index) == ("nsc-0", 0)


async def test_a_replaced_forwarder_gets_an_id_of_its_own_and_the_endpoint_keeps_its() -> None:
    async with local(nm=["fwd", "fwd2"], fwd2=["nse"]) as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), asked())
        domain.onward["nm"].remove("fwd")
        second = await client.request(Call(), Request(first))
        assert names(second) == ["nsc", "nm", "fwd2", "nse"]
        assert ids(second)[2] != ids(first)[2]
        assert [ids(second)[i] for i in (0, 1, 3)] == [ids(first)[i] for i in (0, 1, 3)]
        assert tokens(second) == ["nsc->nm", "nm->fwd2", "fwd2->nse", "nse->fwd2"]


async def test_the_way_that_was_left_is_closed_when_the_url_changes() -> None:
    async with local(nm=["fwd", "fwd2"], fwd2=["nse"]) as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), asked())
        domain.onward["nm"].remove("fwd")
        await client.request(Call(), Request(first))
        nse = ids(first)[3]
        assert domain.heard["nse"].verbs == [f"request {nse}", f"close {nse}", f"request {nse}"]


async def events_of(
    domain: Domain, program: str, asker: str
) -> tuple[list[ConnectionEvent], asyncio.Task[None]]:
    heard: list[ConnectionEvent] = []
    hear, events = heard.append, domain.needs[program].events

    async def listen() -> None:
        async with reading(events.watch(Call(), Selector((Segment(name=asker),)))) as told:
            async for event in told:
                hear(event)

    task = asyncio.get_running_loop().create_task(listen())
    await asyncio.sleep(0)
    return heard, task


async def test_whoever_watches_hears_initial_update_down_and_delete() -> None:
    async with local() as domain:
        heard, task = await events_of(domain, "nm", "nsc")
        client = domain.client("nsc", "nm")
        domain.needs["nsc"].watching.streams.clear()
        conn = await client.request(Call(), asked())
        nm = ids(conn)[1]
        await asyncio.sleep(0.01)
        assert heard[0] == ConnectionEvent(INITIAL_STATE_TRANSFER, {})
        update = heard[1].connections[nm]
        assert (heard[1].type, update.id, update.hops.index, update.state) == (UPDATE, nm, 1, UP)
        assert names(update) == ["nsc", "nm", "fwd", "nse"]
        await client.close(Call(), conn)
        await asyncio.sleep(0.01)
        assert (heard[-1].type, list(heard[-1].connections)) == (DELETE, [nm])
        task.cancel()


async def test_the_death_of_an_endpoint_reaches_the_managers_watchers_as_down() -> None:
    async with local() as domain:
        client = domain.client("nsc", "nm")
        conn = await client.request(Call(), asked())
        heard, task = await events_of(domain, "nm", "nsc")
        domain.kill("nse")
        await asyncio.sleep(0.01)
        down = next(e for e in heard if e.type == UPDATE).connections[ids(conn)[1]]
        assert (down.state, down.hops.index, ids(down)) == (DOWN, 1, ids(conn))
        task.cancel()


async def test_reselecting_closes_the_old_way_and_keeps_the_ids_before_it() -> None:
    async with local(fwd=["nse", "nse2"], nse2=[]) as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), asked())
        domain.onward["fwd"].remove("nse")
        domain.needs["fwd"].events.down(next(iter(domain.needs["fwd"].events._known.values())))
        await asyncio.sleep(0.5)
        second = await client.request(Call(), Request(first))
        assert names(second) == ["nsc", "nm", "fwd", "nse2"]
        assert ids(second)[:3] == ids(first)[:3]
        assert second.state == UP
        assert [verb.split()[0] for verb in domain.heard["nse"].verbs] == ["request", "close"]
        assert domain.heard["nse2"].verbs[0].split()[0] == "request"


async def test_a_close_reaches_every_hop_once_however_often_it_is_asked_for() -> None:
    async with local() as domain:
        client = domain.client("nsc", "nm")
        conn = await client.request(Call(), asked())
        await client.close(Call(), conn)
        await client.close(Call(), conn)
        assert domain.heard["nse"].verbs == [f"request {ids(conn)[3]}", f"close {ids(conn)[3]}"]
        assert all(len(needs.events) == 0 for needs in domain.needs.values())


async def test_a_client_that_stays_away_is_forgotten_everywhere_when_its_token_runs_out() -> None:
    async with local() as domain:
        client = bare_client(domain.needed("nsc"), url=SetUrl(url("nm"))).bind(END)
        await client.request(Call(deadline=domain.clock.ticks() + 15), asked())
        await asyncio.sleep(580)
        assert [verb.split()[0] for verb in domain.heard["nse"].verbs] == ["request"]
        await asyncio.sleep(10)
        assert [verb.split()[0] for verb in domain.heard["nse"].verbs] == ["request", "close"]
        assert all(len(needs.events) == 0 for needs in domain.needs.values())


async def test_a_client_that_stays_is_refreshed_before_its_tokens_run_out() -> None:
    async with local() as domain:
        await domain.client("nsc", "nm").request(Call(), asked())
        await asyncio.sleep(3601)
        verbs = [verb.split()[0] for verb in domain.heard["nse"].verbs]
        assert verbs == ["request"] * 31  # at once, then every 0.2 of ten minutes


async def test_a_request_its_asker_gave_up_leaves_nothing_behind() -> None:
    class Slow(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            conn = await next.request(call, request)
            await domain.clock.sleep(5)
            return conn

    async with local() as domain:
        domain.serve("nm", Towards(["fwd"]), domain.connect("nm"), at=Slow().bind(END))
        client = domain.client("nsc", "nm")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.request(Call(), asked())
        await asyncio.sleep(1)
        assert [verb.split()[0] for verb in domain.heard["nse"].verbs] == ["request", "close"]
        assert all(len(needs.events) == 0 for needs in domain.needs.values())
