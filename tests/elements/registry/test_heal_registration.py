"""Register again when the registry is lost."""

import pytest

from nsm.api.registration import Endpoint, NetworkService
from nsm.elements.registry import BeginRegistration, HealRegistration
from nsm.errors import Unreachable
from nsm.sdk import Call, registry_chain
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint(name="e", url="u")


def client(clock, tasks, end):
    links = (BeginRegistration(tasks, clock), HealRegistration(tasks, clock))
    return registry_chain(*links).bind(end)


@pytest.mark.parametrize("record", [NSE, NetworkService(name="e", payload="IP")])
async def test_what_is_registered_is_watched_by_its_name_and_nothing_else(
    clock, tasks, settle, record
) -> None:
    end = RecordingRegistry()
    await client(clock, tasks, end).register(Call(deadline=1.0, to="unix:///nsm"), record)
    await settle()
    assert end.heard[1] == ("watch", type(record)(name="e"))
    assert end.calls[1] == Call(to="unix:///nsm")


@pytest.mark.parametrize("loss", [Unreachable("gone"), None])
async def test_when_the_watch_ends_it_registers_and_watches_again(clock, tasks, loss) -> None:
    end = RecordingRegistry[Endpoint]()
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(100)
    end.lose(loss)
    await clock.sleep(0.1)
    assert end.verbs == ["register e", "watch e", "register e", "watch e"]
    assert end.watches == 1


async def test_a_refresh_leaves_the_watch_as_it_is(clock, tasks, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = client(clock, tasks, end)
    for _ in range(5):
        await registry.register(Call(), NSE)
        await settle()
    assert end.verbs.count("watch e") == 1
    assert end.watches == 1


async def test_unregistering_ends_the_watch(clock, tasks, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = client(clock, tasks, end)
    await registry.register(Call(), NSE)
    await settle()
    await registry.unregister(Call(), NSE)
    await clock.sleep(100)
    assert end.watches == 0
    assert end.verbs == ["register e", "watch e", "unregister e"]
    assert len(tasks) == 0


async def test_a_registry_that_ends_watches_early_is_not_stormed(clock, tasks) -> None:
    class Rude(RecordingRegistry[Endpoint]):
        async def find(self, call, query):
            self._hear("watch", call, query.like)
            return
            yield

    end = Rude()
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(60)
    assert 12 <= end.verbs.count("register e") <= 35


async def test_what_is_lost_is_registered_again_however_long_that_takes(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(100)
    end.failing = [Unreachable("gone")] * 30
    end.lose(Unreachable("gone"))
    await clock.sleep(200)
    assert end.verbs.count("register e") == 32
    assert end.watches == 1
    assert len(tasks) == 1


async def test_a_first_registration_that_fails_is_the_callers_to_repeat(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(100)
    assert end.verbs == ["register e"]


async def test_a_refresh_that_fails_while_the_watch_stands_is_not_a_loss(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = client(clock, tasks, end)
    await registry.register(Call(), NSE)
    await clock.sleep(1)
    end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)
    await clock.sleep(100)
    assert end.verbs == ["register e", "watch e", "register e"]


async def test_unregistering_ends_the_healing(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = client(clock, tasks, end)
    await registry.register(Call(), NSE)
    await clock.sleep(1)
    end.failing = [Unreachable("gone")] * 10
    end.lose()
    await clock.sleep(2)
    end.failing = []
    await registry.unregister(Call(), NSE)
    heard = len(end.heard)
    await clock.sleep(100)
    assert len(end.heard) == heard
    assert len(tasks) == 0
