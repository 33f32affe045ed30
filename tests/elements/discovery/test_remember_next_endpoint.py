"""Two endpoints in one connection."""

from dataclasses import replace

from nsm.elements.discovery.remember_next_endpoint import RememberNextEndpoint
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
