"""Keep records on the disk as well."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import StoreRecords
from nsm.errors import Exhausted
from nsm.identity import jwt
from nsm.identity.jwt import Claims
from nsm.sdk import Call, Tasks
from nsm.sdk.call import TokenPath
from nsm.sdk.clock import LoopClock
from nsm.sdk.registry import NowhereElse
from nsm.store import Store

ONE = Call(tokens=TokenPath(1, [jwt.unsigned(Claims("spiffe://test/one")), "ours"]))
SECONDHAND = Call(tokens=TokenPath(2, [*ONE.tokens.tokens, "ours"]))
Start = Callable[[], Awaitable[StoreRecords]]


@pytest_asyncio.fixture
async def start(tmp_path: Path, tasks: Tasks, clock: LoopClock) -> AsyncIterator[Start]:
    """A store that begins again, each time, with what the one before left."""
    stores: list[Store] = []

    async def start() -> StoreRecords:
        for store in stores:
            await store.close()
        stores[:] = [await Store.open(tmp_path / "records", clock)]
        return StoreRecords(stores[0].shelf(Endpoint), tasks, clock)

    yield start
    for store in stores:
        await store.close()


async def found(records: StoreRecords) -> list[str]:
    registry = records.bind(NowhereElse())
    return [a.record.name async for a in registry.find(Call(), Query(Endpoint()))]


def lasting(clock: LoopClock, seconds: float, name: str = "a") -> Endpoint:
    return Endpoint(name, expiration_time=Timestamp.at(clock.now() + seconds))


def refuse(*_) -> None:
    raise Exhausted("no room to keep records")


async def test_what_was_registered_and_whose_it_is_outlives_the_program(start: Start) -> None:
    registry = (records := await start()).bind(NowhereElse())
    for name in ("a", "b"):
        await registry.register(ONE, Endpoint(name))
    await registry.register(SECONDHAND, Endpoint("c"))
    await registry.unregister(ONE, Endpoint("b"))
    assert await found(records) == ["a", "c"]
    after = await start()
    assert await found(after) == ["a", "c"]
    assert [(kept.owner, kept.proven) for kept in after.kept] == [
        ("spiffe://test/one", True),
        ("spiffe://test/one", False),
    ]


async def test_watchers_are_told_of_what_lasts_and_only_then(start, listen, settle) -> None:
    records = await start()
    registry = records.bind(NowhereElse())
    heard = listen(registry.find(Call(), Query(Endpoint(), watch=True)))
    await registry.register(ONE, Endpoint("a"))
    await settle()
    assert heard == ["a"]
    records.shelf._write.__self__._file.apply = refuse
    with pytest.raises(Exhausted):
        await registry.register(ONE, Endpoint("b"))
    await settle()
    assert heard == ["a"]
    assert await found(records) == ["a"]


async def test_a_full_disk_takes_no_service_away_and_no_endpoint_stays(start, tmp_path) -> None:
    records = await start()
    await records.bind(NowhereElse()).register(ONE, Endpoint("a"))
    records.shelf._write.__self__._file.apply = refuse
    with pytest.raises(Exhausted):
        await records.bind(NowhereElse()).unregister(ONE, Endpoint("a"))
    assert await found(records) == []

    store = await Store.open(tmp_path / "services", LoopClock())
    services = StoreRecords(store.shelf(NetworkService), Tasks(), LoopClock())
    registry = services.bind(NowhereElse())
    await registry.register(ONE, NetworkService("s"))
    apply, store._file.apply = store._file.apply, refuse
    with pytest.raises(Exhausted):
        await registry.unregister(ONE, NetworkService("s"))
    assert "s" in services.catalog
    store._file.apply = apply
    await registry.unregister(ONE, NetworkService("s"))
    assert "s" not in services.catalog
    await store.close()


async def test_an_endpoint_that_is_not_registered_anew_still_expires(start, clock, monkeypatch):
    registry = (await start()).bind(NowhereElse())
    for name, seconds in (("soon", 1.0), ("renewed", 1.0), ("late", 600.0)):
        await registry.register(ONE, lasting(clock, seconds, name))
    after = await start()
    again = after.bind(NowhereElse())
    assert await found(after) == ["soon", "renewed", "late"]
    await again.register(ONE, lasting(clock, 600.0, "renewed"))
    while "soon" in after.catalog:
        await clock.sleep(0.01)
    assert await found(after) == ["renewed", "late"]
    assert await found(await start()) == ["renewed", "late"]


async def test_what_expired_while_nobody_looked_is_not_there(start: Start, clock) -> None:
    registry = (await start()).bind(NowhereElse())
    await registry.register(ONE, lasting(clock, -1.0))
    after = await start()
    assert await found(after) == []
    assert after.kept == ()


async def test_there_is_a_bound_to_what_is_kept(start: Start) -> None:
    records = await start()
    records.catalog.most = 1
    registry = records.bind(NowhereElse())
    await registry.register(ONE, Endpoint("a"))
    with pytest.raises(Exhausted):
        await registry.register(ONE, Endpoint("b"))
    await registry.unregister(ONE, Endpoint("never"))
    assert await found(records) == ["a"]
