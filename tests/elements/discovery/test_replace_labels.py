"""Labels of an endpoint that passes on."""

from nsm.elements.discovery.replace_labels import ReplaceLabels
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

WEB = Connection("c", labels={"app": "web"})
FIREWALL = Connection("c", labels={"app": "firewall"})


async def test_the_next_endpoint_sees_ours_and_the_client_its_own() -> None:
    end = Recorder()
    entry = ReplaceLabels({"app": "firewall"}).bind(end)
    assert await entry.request(Call(), Request(WEB)) == WEB
    await entry.close(Call(), WEB)
    assert end.heard == [("request", FIREWALL), ("close", FIREWALL)]
