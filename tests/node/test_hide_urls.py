"""What is known by a URL of this process only is shown as the manager's."""

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.errors import Invalid
from nsm.node.hide_urls import HideUrls
from nsm.sdk import Call, registry_chain
from nsm.sdk.testing import RecordingRegistry

MANAGER = "tcp://10.0.0.1:5001"


def hidden(*found: Answer[Endpoint]) -> tuple[object, RecordingRegistry[Endpoint]]:
    end = RecordingRegistry[Endpoint](*found)
    return registry_chain(HideUrls(MANAGER)).bind(end), end


async def test_what_is_found_never_has_a_url_of_this_process() -> None:
    within = Endpoint("forwarder", url="inproc://forwarder")
    elsewhere = Endpoint("nse", url="tcp://10.0.0.2:5001")
    entry, _ = hidden(Answer(within), Answer(elsewhere), Answer(within, deleted=True))
    query = Query(Endpoint())
    answers = [answer async for answer in entry.find(Call(), query)]
    assert [answer.record.url for answer in answers] == [MANAGER, elsewhere.url, MANAGER]
    assert [answer.deleted for answer in answers] == [False, False, True]


async def test_nobody_from_outside_registers_such_a_url() -> None:
    entry, end = hidden()
    with pytest.raises(Invalid, match="no URL of yours"):
        await entry.register(Call(), Endpoint("evil", url="inproc://manager"))
    assert end.heard == []


async def test_all_others_are_registered_as_they_are() -> None:
    entry, end = hidden()
    record = Endpoint("nse", url="unix:///run/nse.sock")
    assert await entry.register(Call(), record) == record
    await entry.unregister(Call(), record)
    assert end.verbs == ["register nse", "unregister nse"]
