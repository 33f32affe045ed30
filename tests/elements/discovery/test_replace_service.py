"""The service an endpoint passes on to."""

from nsm.elements.discovery.replace_service import ReplaceService
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

GATEWAY, VPN = (Connection("c", network_service=name) for name in ("gateway", "vpn"))


async def test_the_next_endpoint_is_asked_for_another_and_the_client_sees_its_own() -> None:
    end = Recorder()
    entry = ReplaceService("vpn").bind(end)
    assert await entry.request(Call(), Request(GATEWAY)) == GATEWAY
    await entry.close(Call(), GATEWAY)
    assert end.heard == [("request", VPN), ("close", VPN)]
