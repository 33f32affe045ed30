"""Two endpoints in one connection."""

from dataclasses import replace

import pytest

from nsm.api.context import IpContext
from nsm.elements.discovery.remember_next_endpoint import RememberNextEndpoint
from nsm.errors import NotFound, NsmError, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder

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
