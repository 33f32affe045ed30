"""Put the question to whoever the channel leads to."""

from dataclasses import dataclass

import pytest

from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.chains.registry import endpoints, network_services
from nsm.elements.registry import AskRegistry
from nsm.errors import Unreachable
from nsm.sdk import Call
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing.recording_registry import RecordingRegistry


@dataclass
class FakeChannel:
    network_services: RecordingRegistry[NetworkService]
    endpoints: RecordingRegistry[Endpoint]


@pytest.mark.parametrize(
    ("pick", "record"), [(endpoints, Endpoint(name="x")), (network_services, NetworkService("x"))]
)
async def test_the_right_registry_of_the_peer_is_asked(pick, record) -> None:
    channel = FakeChannel(RecordingRegistry(), RecordingRegistry())
    call = Call(channel=channel)
    asked = pick(channel)
    asked.found = [Answer(record)]
    registry = AskRegistry(pick).bind(NowhereElse())
    assert await registry.register(call, record) == record
    assert [answer async for answer in registry.find(call, Query(record))] == asked.found
    await registry.unregister(call, record)
    assert asked.verbs == ["register x", "find x", "unregister x"]
    assert len(channel.endpoints.heard) + len(channel.network_services.heard) == 3


async def test_without_a_channel_nobody_is_reached() -> None:
    registry = AskRegistry(endpoints).bind(NowhereElse())
    with pytest.raises(Unreachable):
        await registry.register(Call(), Endpoint(name="x"))
