"""Two endpoints in one connection."""

from dataclasses import replace
from pathlib import Path as File

import pytest

from nsm.api.connection import RESELECT_REQUESTED, Path, Segment
from nsm.api.context import IpContext
from nsm.api.timestamp import Timestamp
from nsm.elements.discovery.remember_next_endpoint import RememberNextEndpoint
from nsm.errors import NotFound, NsmError, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, Recorder
from nsm.store import Notes

US = Connection("c", endpoint="firewall-1")


class Chosen(Recorder):
    """The next hop, which chooses the endpoint if none is named."""

    async def request(self, call: Call, request: Request) -> Connection:
        conn = await super().request(call, request)
        return replace(conn, endpoint=conn.endpoint or "vpn-1")


async def test_the_first_request_leaves_the_choice_open_and_later_ones_keep_to_it() -> None:
    end, call = Chosen(), Lifetime().call
    entry = RememberNextEndpoint().bind(end)
    assert await entry.request(call, Request(US)) == US
    assert await entry.request(call, Request(US)) == US
    await entry.close(call, US)
    await entry.request(call, Request(US))
    assert [conn.endpoint for _, conn in end.heard] == ["", "vpn-1", "vpn-1", ""]


class Dead(Chosen):
    """The next hop of one endpoint that is dead and of another that is not."""

    async def request(self, call: Call, request: Request) -> Connection:
        conn = await super().request(call, request)
        if request.connection.endpoint == "vpn-1":
            raise self.dead
        return replace(conn, endpoint="vpn-2")

    dead: NsmError = Unreachable("it is dead")


@pytest.mark.parametrize("dead", [Unreachable("it is dead"), NotFound("it is unknown")])
async def test_whoever_is_to_be_moved_is_led_to_another_where_the_named_one_is_dead(dead) -> None:
    end, call = Dead(), Lifetime().call
    end.dead = dead
    element = RememberNextEndpoint()
    element.onward.put(call, "vpn-1")
    entry = element.bind(end)
    assert await entry.request(call, Request(US)) == US
    assert [conn.endpoint for _, conn in end.heard] == ["vpn-1", ""]
    await entry.close(call, US)
    assert end.heard[-1][1].endpoint == "vpn-2"


async def test_whoever_wants_to_keep_an_address_is_not_led_to_another() -> None:
    end, call = Dead(), Lifetime().call
    element = RememberNextEndpoint()
    element.onward.put(call, "vpn-1")
    kept = US.with_ip(IpContext(src_ip_addrs=("10.0.0.1/32",)))
    with pytest.raises(Unreachable):
        await element.bind(end).request(call, Request(kept))
    assert len(end.heard) == 1


CLOCK = LoopClock()


def after_a_restart(folder: File) -> RememberNextEndpoint:
    return RememberNextEndpoint(Notes(folder / "notes", CLOCK))


def until(seconds: float) -> Connection:
    before = Segment("firewall-1", "f", expires=Timestamp.at(CLOCK.now() + seconds))
    return replace(US, path=Path(1, (before, Segment("firewall-1-client", "c"))))


async def whom(element: RememberNextEndpoint, asked: Connection) -> str:
    end = Chosen()
    await element.bind(end).request(Lifetime().call, Request(asked))
    return end.heard[0][1].endpoint


@pytest.mark.looptime
async def test_whom_it_led_to_it_leads_to_in_its_next_life_while_tokens_last(
    tmp_path: File,
) -> None:
    assert await whom(after_a_restart(tmp_path), until(60)) == ""
    again = after_a_restart(tmp_path)
    assert await whom(again, replace(until(60), id="another")) == ""
    assert await whom(again, until(60)) == "vpn-1"
    await CLOCK.sleep(61)
    assert await whom(after_a_restart(tmp_path), until(60)) == ""


@pytest.mark.looptime
async def test_what_is_to_be_selected_anew_is_not_led_where_it_was(tmp_path: File) -> None:
    await whom(after_a_restart(tmp_path), until(60))
    anew = replace(until(60), state=RESELECT_REQUESTED)
    assert await whom(after_a_restart(tmp_path), anew) == ""


@pytest.mark.looptime
async def test_what_was_closed_is_no_longer_known(tmp_path: File) -> None:
    element, call = after_a_restart(tmp_path), Lifetime().call
    entry = element.bind(Chosen())
    await entry.close(call, await entry.request(call, Request(until(60))))
    assert await whom(after_a_restart(tmp_path), until(60)) == ""


@pytest.mark.looptime
async def test_a_path_does_not_say_whom_it_is_led_to(tmp_path: File) -> None:
    asked = until(60)
    further = Segment("vpn-2", "v")
    hostile = replace(asked, path=replace(asked.hops, segments=(*asked.hops.segments, further)))
    assert await whom(after_a_restart(tmp_path), hostile) == ""
