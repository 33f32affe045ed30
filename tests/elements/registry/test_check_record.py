"""Refuse records that no honest peer would send."""

import pytest

from nsm.api.labels import Labels
from nsm.api.registration import Destination, Endpoint, Match, NetworkService, Query
from nsm.elements.registry import CheckRecord
from nsm.errors import Exhausted, Invalid, NsmError
from nsm.sdk import Call
from nsm.sdk.testing.recording_registry import RecordingRegistry

HONEST = [
    Endpoint(
        name="nse-1@my.domain",
        network_service_names=("a",),
        network_service_labels={"a": Labels({"app": "web"})},
        url="inode://4/5",
    ),
    Endpoint(name="e@tcp://10.0.0.1:5002"),
    NetworkService(name="a" * 253, matches=(Match(routes=(Destination({"app": "web"}),)),)),
]
ODD = [
    Endpoint(name="n" * 254),
    Endpoint(name="a\nb"),
    Endpoint(name="a\x00"),
    Endpoint(name="a", network_service_names=("s" * 254,)),
    Endpoint(name="a", network_service_names=tuple(map(str, range(257)))),
    NetworkService(name="\x1b[31m"),
]
LARGE = [
    Endpoint(name="a", url="u" * 70_000),
    Endpoint(name="a", path_ids=("x" * 1000,) * 70),
    Endpoint(name="a", network_service_labels={"s": Labels({str(n): "" for n in range(40_000)})}),
    Endpoint(name="a", rest=b"\0" * 70_000),
    NetworkService(name="a", matches=(Match(),) * 20_000),
]


@pytest.mark.parametrize("record", HONEST)
async def test_an_honest_record_passes(record) -> None:
    end = RecordingRegistry()
    registry = CheckRecord().bind(end)
    assert await registry.register(Call(), record) is record
    assert [answer async for answer in registry.find(Call(), Query(record))] == []
    await registry.unregister(Call(), record)
    assert len(end.heard) == 3


@pytest.mark.parametrize("record", [*ODD, *LARGE])
async def test_a_dishonest_one_is_refused_whatever_is_asked(record) -> None:
    end = RecordingRegistry()
    registry = CheckRecord().bind(end)
    kind: type[NsmError] = Invalid if record in ODD else Exhausted
    with pytest.raises(kind):
        await registry.register(Call(), record)
    with pytest.raises(kind):
        registry.find(Call(), Query(record))
    with pytest.raises(kind):
        await registry.unregister(Call(), record)
    assert end.heard == []


async def test_what_is_registered_needs_a_name_and_what_is_asked_for_does_not() -> None:
    registry = CheckRecord().bind(RecordingRegistry())
    with pytest.raises(Invalid):
        await registry.register(Call(), Endpoint())
    registry.find(Call(), Query(Endpoint()))
