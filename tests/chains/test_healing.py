"""What happens to a client when something on its way dies (W §13.1), in whole domains."""

import asyncio

import pytest

from nsm.api.connection import UP, Connection, Request
from nsm.chains.client import client
from nsm.chains.testing import Domain, Towards
from nsm.elements.lifecycle import Liveness
from nsm.elements.reach import Connect
from nsm.sdk import END, Call
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

ASKED = Request(Connection(id="nsc-0", network_service="svc"))


def two_endpoints() -> Domain:
    return Domain(LoopClock(), nm=["fwd"], fwd=["nse", "nse2"], nse=[], nse2=[])


def verbs(domain: Domain, name: str) -> list[str]:
    return [verb.split()[0] for verb in domain.heard[name].verbs]


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


async def test_a_dead_endpoints_client_gets_another_within_a_second() -> None:
    async with two_endpoints() as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), ASKED)
        domain.kill("nse")
        await asyncio.sleep(1)
        assert verbs(domain, "nse2") == ["request"]
        second = await client.request(Call(), Request(first))
        assert names(second) == ["nsc", "nm", "fwd", "nse2"]
        assert second.state == UP


async def test_closing_with_what_was_answered_before_healing_closes_what_stands() -> None:
    async with two_endpoints() as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), ASKED)
        domain.kill("nse")
        await asyncio.sleep(1)
        await client.close(Call(), first)
        assert verbs(domain, "nse2") == ["request", "close"]
        assert len(domain.needs["nm"].events) == len(domain.needs["fwd"].events) == 0


async def test_a_dead_forwarder_is_replaced_and_the_endpoint_is_asked_again() -> None:
    way = {"nm": ["fwd", "fwd2"], "fwd": ["nse"], "fwd2": ["nse"], "nse": []}
    async with Domain(LoopClock(), **way) as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), ASKED)
        domain.kill("fwd")
        await asyncio.sleep(1)
        assert verbs(domain, "nse").count("request") == 2
        second = await client.request(Call(), Request(first))
        assert names(second) == ["nsc", "nm", "fwd2", "nse"]
        assert verbs(domain, "nse").count("request") == 3


async def test_a_restarted_manager_is_asked_again_as_soon_as_it_is_back() -> None:
    async with two_endpoints() as domain:
        client = domain.client("nsc", "nm")
        first = await client.request(Call(), ASKED)
        domain.kill("nm")
        await asyncio.sleep(5)
        domain.start("nm")
        await asyncio.sleep(2)
        assert len(domain.needs["nm"].events) == 1
        second = await client.request(Call(), Request(first))
        assert second.state == UP
        assert [s.id for s in second.hops.segments][:2] == [s.id for s in first.hops.segments][:2]


async def test_a_hundred_connections_to_a_dead_endpoint_all_heal_within_a_second() -> None:
    async with two_endpoints() as domain:
        client = domain.client("nsc", "nm")
        asked = [Request(Connection(id=f"nsc-{i}")) for i in range(100)]
        await asyncio.gather(*(client.request(Call(), one) for one in asked))
        domain.kill("nse")
        await asyncio.sleep(1)
        assert verbs(domain, "nse2").count("request") == 100
        assert len(domain.needs["nsc"].watching.streams) == 1


async def test_healing_goes_on_until_the_connection_is_closed_and_leaves_nothing() -> None:
    def healing() -> int:
        return sum(task.get_name().startswith("heal") for task in asyncio.all_tasks())

    async with Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[]) as domain:
        client = domain.client("nsc", "nm")
        conn = await client.request(Call(), ASKED)
        domain.kill("nse")
        await asyncio.sleep(60)
        assert healing() == 1
        await client.close(Call(), conn)
        await asyncio.sleep(60)
        assert healing() == 0
        assert domain.needs["nsc"].watching.interests == {}
        assert domain.needs["nsc"].watching.streams == {}


async def test_what_still_carries_is_asked_for_again_as_it_is() -> None:
    async def alive(conn: Connection) -> bool:
        return True

    way = {"nm": ["fwd", "fwd2"], "fwd": ["nse"], "fwd2": ["nse"], "nse": []}
    async with Domain(LoopClock(), **way) as domain:
        client = domain.client("nsc", "nm", Liveness(alive))
        await client.request(Call(), ASKED)
        domain.kill("fwd")
        domain.start("fwd")
        await asyncio.sleep(1)
        assert verbs(domain, "nse") == ["request", "request"]


async def test_what_carries_no_longer_is_replaced_though_all_programs_live() -> None:
    carries = True

    async def alive(conn: Connection) -> bool:
        return carries or conn.endpoint == "nse2"

    async with two_endpoints() as domain:
        client = domain.client("nsc", "nm", Liveness(alive))
        await client.request(Call(), ASKED)
        await asyncio.sleep(10)
        assert verbs(domain, "nse") == ["request"]
        carries = False
        domain.onward["fwd"].remove("nse")
        await asyncio.sleep(1)
        assert verbs(domain, "nse") == ["request", "close"]
        assert verbs(domain, "nse2") == ["request"]


async def test_a_death_behind_a_passthrough_endpoint_is_healed_too() -> None:
    way = {"nm": ["fwd"], "fwd": ["pass"], "pass": ["fwd2"], "fwd2": ["nse", "nse2"]}
    async with Domain(LoopClock(), **way, nse=[], nse2=[]) as domain:
        onward = client(domain.needed("pass-client")).bind(END)
        domain.serve("pass", Towards(["fwd2"]), Connect(onward))
        asker = domain.client("nsc", "nm")
        first = await asker.request(Call(), ASKED)
        assert names(first) == ["nsc", "nm", "fwd", "pass", "pass-client", "fwd2", "nse"]
        domain.kill("nse")
        await asyncio.sleep(2)
        second = await asker.request(Call(), Request(first))
        assert names(second)[-1] == "nse2"
