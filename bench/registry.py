"""Figures of the registry: over mTLS from one client, and the same questions asked in process.

`python -m bench.registry` is one run and prints JSON. The server is a process of its own on the
loopback, so that its CPU can be read. Times in ms unless said.
"""

import asyncio
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figures import Report, cpu, timed
from bench.ground import python
from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, Query
from nsm.chains.registry import RegistryNeeds, endpoints, memory_registry, onward, stored_registry
from nsm.elements.registry import AskRegistry, DialRegistry
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies
from nsm.rpc import Pool, serve
from nsm.sdk import Call, Clock, Offer, Registry, registry_chain
from nsm.sdk.registry import NowhereElse
from nsm.sdk.streams import reading
from nsm.store import Store

TIMES = 500
RECORDS, TOGETHER = 10_000, 1000
CONNECTIONS, WATCHERS, EVENTS = 10, 1000, 200
AUTHORITY = Authority("bench", Clock())
Figures = dict[str, object]


def source(name: str) -> FakeSource:
    return FakeSource.of(f"spiffe://bench/{name}", AUTHORITY)


def needs(who: FakeSource) -> RegistryNeeds:
    return RegistryNeeds(
        tokens=who,
        dialer=Pool(who, who),
        server=Policies.select(REGISTRY_SERVER),
        client=Policies.select(REGISTRY_CLIENT),
        dial_timeout=5.0,
    )


def nse(number: int, service: str = "") -> Endpoint:
    name = service or f"svc-{number % 1000}"
    return Endpoint(
        name=f"nse-{number}",
        network_service_names=(name,),
        network_service_labels={name: Labels({"app": "web", "number": str(number)})},
        url="tcp://10.0.0.1:5001",
    )


async def found(registry: Registry[Endpoint], like: Endpoint) -> int:
    return len([answer async for answer in registry.find(Call(), Query(like))])


async def each(ask: Callable[[int], Awaitable[object]]) -> list[float]:
    """Seconds that one question after the other takes."""
    return [await timed(ask(number)) for number in range(TIMES)]


async def questions(registry: Registry[Endpoint]) -> Figures:
    """One question at a time."""
    by_service = Endpoint(network_service_names=("svc-7",))
    return {
        "register": await each(lambda n: registry.register(soon(), nse(n))),
        "find_by_name": await each(lambda n: found(registry, Endpoint(name=f"nse-{n}"))),
        "find_10_of_10000_by_service": await each(lambda _: found(registry, by_service)),
        "unregister": await each(lambda n: registry.unregister(soon(), nse(n))),
    }


def soon() -> Call:
    return Call(deadline=Clock().ticks() + 15)


class Audience:
    """A thousand watchers of one service on ten connections; the first is slow to read."""

    def __init__(self, url: str) -> None:
        self.ways = [asker(url) for _ in range(CONNECTIONS)]
        self.heard = [0] * WATCHERS
        self.states: dict[str, str] = {}
        self.awake, self.reached = asyncio.Event(), asyncio.Event()
        self.due = WATCHERS
        self.tasks = [asyncio.create_task(self.watch(number)) for number in range(WATCHERS)]

    async def watch(self, number: int) -> None:
        query = Query(Endpoint(network_service_names=("watched",)), watch=True)
        async with reading(self.ways[number % CONNECTIONS].find(Call(), query)) as answers:
            async for answer in answers:
                self.heard[number] += 1
                self.due -= 1
                if self.due <= 0:
                    self.reached.set()
                if number == 0:
                    await self.awake.wait()
                    self.states[answer.record.name] = answer.record.url

    async def expect(self, events: int) -> None:
        """Wait until so many more events were heard, but not for ever."""
        self.due += events
        self.reached.clear()
        async with asyncio.timeout(60):
            await self.reached.wait()

    async def leave(self) -> None:
        self.awake.set()
        await asyncio.sleep(1)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def watching(url: str, pid: int, registry: Registry[Endpoint]) -> Figures:
    """What telling everyone costs, and whether everyone was told."""
    audience = Audience(url)
    await registry.register(soon(), replace(nse(0, "watched"), name="first"))
    await audience.expect(0)
    before, begun = cpu(pid), perf_counter()
    register = [
        await timed(registry.register(soon(), replace(nse(n % 20, "watched"), url=str(n))))
        for n in range(EVENTS)
    ]
    await audience.expect(EVENTS * (WATCHERS - 1))
    events = sum(audience.heard) - WATCHERS
    used, took = cpu(pid) - before, perf_counter() - begun
    await audience.leave()
    last = {f"nse-{n % 20}": str(n) for n in range(EVENTS)}
    return {
        "watchers": WATCHERS,
        "register_with_watchers": register,
        "events_delivered": events,
        "final_states_lost_by_who_did_not_read": sum(
            audience.states.get(name) != url for name, url in last.items()
        ),
        "server_cpu_us_an_event": round(used / events * 1e6, 2),
        "events_a_second": round(events / took),
    }


def asker(url: str) -> Registry[Endpoint]:
    """Someone with a connection of its own."""
    who = source("watcher")
    links = (DialRegistry[Endpoint](Pool(who, who), url, 5.0), AskRegistry[Endpoint](endpoints))
    return registry_chain(*links).bind(NowhereElse())


def server(pipe: "multiprocessing.connection.Connection") -> None:
    """The registry, in a process of its own, until it is told anything."""

    async def live() -> None:
        who = source("registry")
        offer = memory_registry(needs(who))
        await fill(offer)
        serving = await serve(offer, ["tcp://127.0.0.1:0"], who, who)
        pipe.send(serving.addresses[0])
        await asyncio.to_thread(pipe.recv)
        await serving.close(0.1)

    asyncio.run(live())


async def fill(offer: Offer) -> None:
    """Ten thousand endpoints, refreshed by nobody for a minute."""
    who, registry = source("manager"), source("registry")
    token = who.issue(registry.peer())
    assert offer.endpoints
    for number in range(TIMES, TIMES + RECORDS):
        await offer.endpoints.register(Call(peer=who.peer(), token=token), nse(number))


async def in_process() -> Figures:
    """The same chain, policies and signatures, without a socket."""
    who, registry = source("manager"), source("registry")
    offer = memory_registry(needs(registry))
    await fill(offer)
    token, asked = who.issue(registry.peer()), offer.endpoints
    assert asked
    call = Call(peer=who.peer(), token=token)
    return {
        "register": await each(lambda n: asked.register(call, nse(n))),
        "find_by_name": await each(lambda n: found(asked, Endpoint(name=f"nse-{n}"))),
        "find_by_url_among_10000": await each(lambda _: found(asked, Endpoint(url="none"))),
    }


async def stored() -> Figures:
    """The same chain again, and each registration on the disk before it is answered for."""
    who, registry = source("manager"), source("registry")
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:  # /tmp may be no disk
        store = await Store.open(Path(folder, "records"), Clock())
        asked = stored_registry(needs(registry), store).endpoints
        assert asked
        call = Call(peer=who.peer(), token=who.issue(registry.peer()))
        alone = await each(lambda n: asked.register(call, nse(n)))
        together = await timed(
            asyncio.gather(*(asked.register(call, nse(n)) for n in range(TOGETHER)))
        )
        await store.close()
    return {"register": alone, "register_of_a_thousand": [together / TOGETHER]}


async def over_mtls(url: str, pid: int) -> Figures:
    who = source("manager")
    registry = onward(needs(who), endpoints, url)
    return {**await questions(registry), "watch": await watching(url, pid, registry)}


async def measure(quick: bool = False) -> Report:
    """Several runs, each in a process of its own."""
    report = Report()
    runs = [await run() for _ in range(1 if quick else 3)]
    asked = [each["over_mtls"] for each in runs]
    goals = {"register": 4.0, "find_by_name": 2.0, "find_10_of_10000_by_service": 5.0}
    for name in ("register", "find_by_name", "find_10_of_10000_by_service", "unregister"):
        words = name.replace("_", " ")
        report.times(words, [each[name] for each in asked], goal=goals.get(name))
    watches = [each["watch"] for each in asked]
    costs = [each["server_cpu_us_an_event"] for each in watches]
    lost = sum(each["final_states_lost_by_who_did_not_read"] for each in watches)
    report.add("an event to 1,000 watchers", median(costs), "µs CPU", goal=25.0)
    report.add("last states lost by who did not read", lost, "", goal=0.0)
    report.times("register, 1,000 watch", [each["register_with_watchers"] for each in watches])
    kept = [each["stored"] for each in runs]
    report.times("register in a store, one", [each["register"] for each in kept])
    report.times("each of a thousand", [each["register_of_a_thousand"] for each in kept])
    report.raw["runs"] = runs
    return report


async def run() -> Figures:
    """What one run in a process of its own prints."""
    process = await asyncio.create_subprocess_exec(
        *python("bench.registry"), stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
    if process.returncode:
        raise RuntimeError("the run failed")
    return json.loads(said)


def main() -> Figures:
    """Everything."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=server, args=(theirs,))
    process.start()
    try:
        figures = {"over_mtls": asyncio.run(over_mtls(ours.recv(), process.pid or 0))}
    finally:
        ours.send("stop")
        process.join(10)
        process.kill()
    return {
        **figures,
        "in_process": asyncio.run(in_process()),
        "stored": asyncio.run(stored()),
    }


if __name__ == "__main__":
    json.dump(main(), sys.stdout, indent=2)
    print()
