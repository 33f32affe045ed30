"""A file of records from a loop's point of view."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event

import pytest
import pytest_asyncio

from nsm.api.labels import Labels
from nsm.api.registration import Destination, Endpoint, Match, NetworkService
from nsm.api.timestamp import Timestamp
from nsm.errors import Exhausted, Unreachable
from nsm.sdk import Clock
from nsm.store import Kept, Shelf, Store
from nsm.store import store as module

FAR = Timestamp(4_000_000_000, 123_456_789)
NSE = Endpoint(
    "nse",
    ("svc",),
    {"svc": Labels({"app": "web"})},
    "tcp://10.0.0.1:5001",
    FAR,
    Timestamp(5, 6),
    ("spiffe://test/nse",),
    b"",
)
SERVICE = NetworkService(
    "svc", "IP", (Match({"a": "b"}, (Destination({"c": "d"}, 3),), metadata=Labels({"e": "f"})),)
)


class Slow:
    """Holds the writer until told; counts its batches."""

    def __init__(self, store: Store) -> None:
        self.go, self.apply, self.batches = Event(), store._file.apply, []
        store._file.apply = self

    def __call__(self, changes) -> None:
        assert self.go.wait(10)
        self.batches.append(len(changes))
        self.apply(changes)


def nothing() -> None:
    return None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(path, Clock())
    yield store
    await store.close()


def endpoints(store: Store) -> Shelf[Endpoint]:
    return store.shelf(Endpoint)


async def again(path: Path, kind) -> tuple[Kept, ...]:
    store = await Store.open(path, Clock())
    try:
        return store.shelf(kind).loaded
    finally:
        await store.close()


async def test_records_and_owners_come_back_as_they_were(path: Path) -> None:
    store = await Store.open(path, Clock())
    await store.shelf(Endpoint).put(Kept(NSE, "spiffe://test/nse", True), nothing)
    await store.shelf(NetworkService).put(Kept(SERVICE, "spiffe://test/one"), nothing)
    await store.close()
    assert await again(path, Endpoint) == (Kept(NSE, "spiffe://test/nse", True),)
    assert await again(path, NetworkService) == (Kept(SERVICE, "spiffe://test/one"),)


async def test_what_is_dropped_does_not_come_back(path: Path) -> None:
    store = await Store.open(path, Clock())
    shelf = endpoints(store)
    await shelf.put(Kept(NSE, "one"), nothing)
    await shelf.drop("nse", nothing)
    await store.close()
    assert await again(path, Endpoint) == ()


async def test_what_waits_for_the_disk_goes_in_together_and_in_order(store: Store) -> None:
    slow, shelf, told = Slow(store), endpoints(store), []
    puts = [
        asyncio.create_task(shelf.put(Kept(Endpoint(f"n{n}"), ""), lambda n=n: told.append(n)))
        for n in range(100)
    ]
    await asyncio.sleep(0)
    assert told == []
    slow.go.set()
    await asyncio.gather(*puts)
    assert slow.batches == [1, 99]
    assert told == list(range(100))


async def test_the_loop_goes_on_while_the_disk_is_slow(store: Store) -> None:
    slow = Slow(store)
    put = asyncio.create_task(endpoints(store).put(Kept(NSE, ""), nothing))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not put.done()
    slow.go.set()
    await put


async def test_who_leaves_before_the_turn_of_a_change_takes_it_along(store: Store, path) -> None:
    slow, shelf = Slow(store), endpoints(store)
    first = asyncio.create_task(shelf.put(Kept(Endpoint("first"), ""), nothing))
    second = asyncio.create_task(shelf.put(Kept(Endpoint("second"), ""), nothing))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    slow.go.set()
    await first
    await store.close()
    assert [kept.record.name for kept in await again(path, Endpoint)] == ["first"]


async def test_who_is_told_to_leave_while_it_is_written_stays_until_it_is(store: Store) -> None:
    slow, told = Slow(store), []
    put = asyncio.create_task(endpoints(store).put(Kept(NSE, ""), lambda: told.append("kept")))
    await asyncio.sleep(0)
    for _ in range(2):
        put.cancel()
        await asyncio.sleep(0)
    slow.go.set()
    await put
    assert told == ["kept"]


async def test_a_change_that_fails_is_told_to_everyone_it_waited_with(store: Store, path) -> None:
    shelf, told = endpoints(store), []
    await shelf.put(Kept(Endpoint("before"), ""), nothing)
    apply = store._file.apply

    def full(changes) -> None:
        store._file.apply = apply
        raise Exhausted("no room to keep records", fix="make room")

    slow = Slow(store)
    slow.apply = full
    puts = [shelf.put(Kept(Endpoint(f"n{n}"), ""), lambda: told.append("?")) for n in range(3)]
    asked = asyncio.gather(*puts, return_exceptions=True)
    await asyncio.sleep(0)
    slow.go.set()
    first, *others = await asked
    assert isinstance(first, Exhausted)
    assert first.fix == "make room"
    assert others == [None, None]  # they went in a batch of their own
    assert told == ["?", "?"]


async def test_there_is_a_bound_to_what_waits(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    slow, shelf = Slow(store), endpoints(store)
    puts = [asyncio.create_task(shelf.put(Kept(Endpoint(f"n{n}"), ""), nothing)) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Exhausted, match="wait for the disk"):
        await shelf.put(Kept(Endpoint("one too many"), ""), nothing)
    slow.go.set()
    await asyncio.gather(*puts)


async def test_closing_writes_what_waits_and_takes_nothing_more(path: Path) -> None:
    store = await Store.open(path, Clock())
    slow, shelf = Slow(store), endpoints(store)
    puts = [asyncio.create_task(shelf.put(Kept(Endpoint(f"n{n}"), ""), nothing)) for n in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    with pytest.raises(Unreachable):
        await shelf.put(Kept(Endpoint("late"), ""), nothing)
    slow.go.set()
    await asyncio.gather(closing, *puts)
    assert [kept.record.name for kept in await again(path, Endpoint)] == ["n0", "n1", "n2"]


@pytest.mark.parametrize("change", ["record = x'ff'", "name = 'another'"])
async def test_a_record_that_makes_no_sense_is_left_out_and_said(path, change, caplog) -> None:
    store = await Store.open(path, Clock())
    shelf = endpoints(store)
    await shelf.put(Kept(Endpoint("good"), ""), nothing)
    await shelf.put(Kept(NSE, ""), nothing)
    await store.close()
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE records SET {change} WHERE name = 'nse'")
    database.close()
    assert [kept.record.name for kept in await again(path, Endpoint)] == ["good"]
    assert "left out" in caplog.text
