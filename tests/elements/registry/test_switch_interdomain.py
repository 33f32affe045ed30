"""Lead what belongs to another domain to whoever knows the way there."""

import pytest

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.elements.registry import SwitchInterdomain
from nsm.errors import NotFound
from nsm.sdk import Call
from nsm.sdk.testing.recording_registry import RecordingRegistry

FOREIGN = [
    Endpoint(name="e@dom"),
    Endpoint(name="e", network_service_names=("a", "b@dom")),
    NetworkService(name="s@dom"),
]
OWN = [Endpoint(name="e", network_service_names=("a",), url="tcp://me@host:1"), NetworkService("s")]


async def ask(registry, record) -> None:
    await registry.register(Call(), record)
    assert [answer async for answer in registry.find(Call(), Query(record))] == []
    await registry.unregister(Call(), record)


@pytest.mark.parametrize("record", FOREIGN)
async def test_what_has_an_at_goes_to_the_proxy(record) -> None:
    proxy, here = RecordingRegistry(), RecordingRegistry()
    await ask(SwitchInterdomain(proxy).bind(here), record)
    assert (len(proxy.heard), len(here.heard)) == (3, 0)


@pytest.mark.parametrize("record", OWN)
async def test_what_has_none_stays(record) -> None:
    proxy, here = RecordingRegistry(), RecordingRegistry()
    await ask(SwitchInterdomain(proxy).bind(here), record)
    assert (len(proxy.heard), len(here.heard)) == (0, 3)
    await ask(SwitchInterdomain(None).bind(here), record)


@pytest.mark.parametrize("record", FOREIGN)
async def test_without_a_proxy_the_error_says_what_to_set(record) -> None:
    registry = SwitchInterdomain(None).bind(RecordingRegistry())
    with pytest.raises(NotFound, match=r"@dom.*NSM_PROXY_REGISTRY_URL"):
        await registry.register(Call(), record)
    with pytest.raises(NotFound):
        registry.find(Call(), Query(record))
    with pytest.raises(NotFound):
        await registry.unregister(Call(), record)
