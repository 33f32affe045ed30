"""Reach the node's own endpoints directly: W §13.6, every case."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import BypassLocally, Remember
from nsm.errors import Invalid, Unreachable
from nsm.sdk import Call, Registry, RegistryElement, registry_chain
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing.recording_registry import RecordingRegistry

CALL = Call()
MANAGER = "tcp://10.0.0.1:5001"
NSE = Endpoint(name="e", url="unix:///e.sock")


class Domain(Remember[Endpoint]):
    """The domain's registry behind managers."""

    def __init__(self) -> None:
        super().__init__()
        self.all = self.bind(NowhereElse())

    def manager(self, *between):
        return registry_chain(BypassLocally(MANAGER), *between).bind(self.all)

    async def urls(self, registry=None) -> dict[str, str]:
        asked = (registry or self.all).find(CALL, Query(Endpoint()))
        return {answer.record.name: answer.record.url async for answer in asked}


async def test_upstream_hears_the_managers_url_and_the_node_the_endpoints_own() -> None:
    domain = Domain()
    manager = domain.manager()
    assert (await manager.register(CALL, NSE)).url == NSE.url
    assert await domain.urls() == {"e": MANAGER}
    assert await domain.urls(manager) == {"e": NSE.url}
    await manager.unregister(CALL, NSE)
    assert await domain.urls() == {}
    assert await domain.urls(manager) == {}


async def test_an_endpoint_without_a_url_is_refused() -> None:
    with pytest.raises(Invalid):
        await Domain().manager().register(CALL, Endpoint(name="e"))


async def test_endpoints_of_a_restarted_manager_are_hidden_until_they_register_again() -> None:
    domain = Domain()
    await domain.manager().register(CALL, NSE)
    restarted = domain.manager()
    assert await domain.urls(restarted) == {}
    await restarted.register(CALL, NSE)
    assert await domain.urls(restarted) == {"e": NSE.url}


async def test_endpoints_of_other_nodes_are_shown_as_they_are() -> None:
    domain = Domain()
    await domain.all.register(CALL, Endpoint(name="far", url="tcp://10.0.0.2:5001"))
    assert await domain.urls(domain.manager()) == {"far": "tcp://10.0.0.2:5001"}


async def test_who_asks_for_the_managers_own_is_answered_without_the_registry() -> None:
    calls = RecordingRegistry[Endpoint]()
    manager = registry_chain(BypassLocally(MANAGER)).bind(calls)
    service = Endpoint(network_service_names=("forwarder",), url=MANAGER)
    await manager.register(CALL, replace(NSE, network_service_names=("forwarder",)))
    await manager.register(CALL, replace(NSE, name="other"))
    found = [answer.record async for answer in manager.find(CALL, Query(service))]
    assert [(record.name, record.url) for record in found] == [("e", NSE.url)]
    by_name = Query(Endpoint(name="other"))
    assert [answer.record.name async for answer in manager.find(CALL, by_name)] == ["other"]
    await manager.unregister(CALL, NSE)
    assert [answer async for answer in manager.find(CALL, Query(service))] == []
    assert "find" not in [verb for verb, *_ in calls.heard]


async def test_the_same_name_with_a_new_url_is_found_under_the_new_one() -> None:
    domain = Domain()
    manager = domain.manager()
    await manager.register(CALL, NSE)
    await manager.register(CALL, replace(NSE, url="unix:///new.sock"))
    assert await domain.urls(manager) == {"e": "unix:///new.sock"}


async def test_an_endpoint_found_while_it_still_registers_has_its_own_url() -> None:
    class SlowAnswer(RegistryElement[Endpoint]):
        def __init__(self) -> None:
            self.go = asyncio.Event()

        async def register(
            self, call: Call, record: Endpoint, next: Registry[Endpoint]
        ) -> Endpoint:
            answer = await next.register(call, record)
            await self.go.wait()
            return answer

    domain, slow = Domain(), SlowAnswer()
    manager = domain.manager(slow)
    registering = asyncio.ensure_future(manager.register(CALL, NSE))
    await asyncio.sleep(0)
    assert await domain.urls(manager) == {"e": NSE.url}
    slow.go.set()
    await registering


async def test_a_floating_registry_that_changes_the_url_does_not_mislead_the_node() -> None:
    class OtherUrl(RegistryElement[Endpoint]):
        async def register(
            self, call: Call, record: Endpoint, next: Registry[Endpoint]
        ) -> Endpoint:
            return await next.register(call, replace(record, url="tcp://proxy:5004"))

    domain = Domain()
    manager = domain.manager(OtherUrl())
    assert (await manager.register(CALL, NSE)).url == NSE.url
    assert await domain.urls(manager) == {"e": NSE.url}


async def test_a_watch_hears_updates_and_then_the_deletion(listen, settle) -> None:
    domain = Domain()
    manager = domain.manager()
    heard = listen(manager.find(CALL, Query(Endpoint(), watch=True)))
    await settle()
    await manager.register(CALL, NSE)
    await settle()
    await manager.unregister(CALL, NSE)
    await settle()
    assert [(a.record.name, a.deleted) for a in heard.answers] == [("e", False), ("e", True)]
    assert heard.answers[0].record.url == NSE.url


async def test_a_watch_hears_of_what_is_left_over_only_when_it_goes(listen, settle) -> None:
    domain = Domain()
    await domain.manager().register(CALL, NSE)
    heard = listen(domain.manager().find(CALL, Query(Endpoint(), watch=True)))
    await settle()
    assert heard.answers == []
    await domain.all.unregister(CALL, NSE)
    await settle()
    assert [answer.deleted for answer in heard.answers] == [True]


async def test_a_registration_that_fails_leaves_the_name_as_it_was() -> None:
    end = RecordingRegistry[Endpoint](Answer(replace(NSE, url=MANAGER)))
    element = BypassLocally(MANAGER)
    registry = element.bind(end)
    end.failing = [Unreachable("no")]
    with pytest.raises(Unreachable):
        await registry.register(CALL, NSE)
    assert element.own == {}
    await registry.register(CALL, NSE)
    end.failing = [Unreachable("no")]
    with pytest.raises(Unreachable):
        await registry.register(CALL, replace(NSE, url="unix:///new.sock"))
    assert element.own == {"e": NSE.url}


async def test_only_what_was_registered_here_is_unregistered_there() -> None:
    end = RecordingRegistry[Endpoint]()
    registry = BypassLocally(MANAGER).bind(end)
    await registry.unregister(CALL, Endpoint(name="stranger"))
    assert end.heard == []
    await registry.register(CALL, NSE)
    await registry.unregister(CALL, NSE)
    assert end.heard[-1] == ("unregister", replace(NSE, url=MANAGER))


async def test_what_cannot_be_taken_back_there_is_gone_from_here() -> None:
    end = RecordingRegistry[Endpoint](Answer(replace(NSE, url=MANAGER)))
    registry = BypassLocally(MANAGER).bind(end)
    await registry.register(CALL, NSE)
    end.failing = [Unreachable("no")]
    with pytest.raises(Unreachable):
        await registry.unregister(CALL, NSE)
    assert [answer async for answer in registry.find(CALL, Query(Endpoint()))] == []
