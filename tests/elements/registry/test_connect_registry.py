"""Ask on behalf of whoever asks us."""

from dataclasses import replace

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import ConnectRegistry
from nsm.errors import Denied, Unreachable
from nsm.sdk import Call
from nsm.sdk.testing import Lifetime
from nsm.sdk.testing.recording_registry import RecordingRegistry

NSE = Endpoint(name="e")


def pair():
    onward, here = RecordingRegistry[Endpoint](), RecordingRegistry[Endpoint]()
    return onward, here, ConnectRegistry(onward).bind(here)


async def test_what_was_answered_onward_is_registered_here() -> None:
    onward, here, registry = pair()
    onward.change = lambda nse: replace(nse, path_ids=("a",))
    assert (await registry.register(Call(), NSE)).path_ids == ("a",)
    assert here.heard == [("register", replace(NSE, path_ids=("a",)))]


async def test_nothing_is_registered_here_that_failed_onward() -> None:
    onward, here, registry = pair()
    onward.failing = [Unreachable("dead")]
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)
    assert here.heard == []


async def test_what_fails_here_is_undone_onward() -> None:
    onward, here, registry = pair()
    here.failing = [Denied("no")]
    with pytest.raises(Denied):
        await registry.register(Lifetime().call, NSE)
    assert onward.verbs == ["register e", "unregister e"]


async def test_a_refresh_that_fails_here_undoes_nothing() -> None:
    onward, here, registry = pair()
    one = Lifetime()
    one.life.last = NSE
    here.failing = [Denied("no")]
    with pytest.raises(Denied):
        await registry.register(one.call, NSE)
    assert onward.verbs == ["register e"]


async def test_an_undo_that_fails_does_not_hide_the_reason() -> None:
    onward, here, registry = pair()
    onward.failing = [None, Unreachable("dead")]
    here.failing = [Denied("no")]
    with pytest.raises(Denied):
        await registry.register(Call(), NSE)


async def test_both_are_told_to_unregister_even_if_the_first_refuses() -> None:
    onward, here, registry = pair()
    onward.failing = [Unreachable("dead")]
    with pytest.raises(Unreachable):
        await registry.unregister(Call(), NSE)
    assert here.verbs == ["unregister e"]


async def test_what_both_know_is_found() -> None:
    onward, here, registry = pair()
    onward.found = [Answer(Endpoint(name="far"))]
    here.found = [Answer(Endpoint(name="near"))]
    found = [answer.record.name async for answer in registry.find(Call(), Query(Endpoint()))]
    assert found == ["far", "near"]


async def test_a_watch_breaks_when_the_watch_onward_breaks(listen, settle) -> None:
    onward, _, registry = pair()
    heard = listen(registry.find(Call(), Query(Endpoint(), watch=True)))
    await settle()
    onward.lose(Unreachable("dead"))
    await settle()
    assert isinstance(heard.error, Unreachable)
