"""What is left of connections, failures and registrations on whole meshes: nothing at all."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.leaving import nothing_holds_itself

from nsm.errors import NsmError
from nsm.identity import jwt
from nsm.sdk import Call

pytestmark = pytest.mark.looptime

LONG = 1500.0
"""Seconds after which nothing is kept for anybody who left."""
AT_ONCE = 20
"""Who come and go in a round, each with a name of its own: more than may lie about for a while."""
HARNESS = {"Switchboard._gone", "Party", "FakeTokens"}
"""What the meshes of these tests keep of whoever was killed."""
CONTAINERS = (dict, list, set)


@pytest.fixture
async def busy(mesh):
    """Two nodes with an endpoint on each; those of another service are registered and dead."""
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse-1", here)
    await mesh.serve("nse-2", there)
    await mesh.serve("dead-1", here, service="dead")
    await mesh.serve("dead-2", there, service="dead")
    await mesh.kill("dead-1")
    await mesh.kill("dead-2")
    return mesh


async def come_and_go(mesh, web, name: str) -> None:
    """A connection to each node, one that nobody can give, and one to those who are dead."""
    local = await web.request(Call(), mesh.wish(f"{name}-0"))
    remote = await web.request(Call(), mesh.wish(f"{name}-1", "nsm-2"))
    assert {local.endpoint, remote.endpoint} == {"nse-1", "nse-2"}
    for service in ("unknown", "dead"):
        with pytest.raises(NsmError):
            await web.request(Call(), mesh.wish(f"{name}-{service}", "nsm-3", service))
    await web.request(Call(), mesh.wish(f"{name}-0"))
    for conn in (local, remote):
        await web.close(Call(), conn)


async def pass_by(mesh, name: str) -> None:
    """An endpoint that dies without a word, and its socket with it."""
    url = mesh.listen(name)
    await mesh.serve(name, mesh.nodes["two"], service="dead", register=False, url=url)
    await mesh.kill(name)
    Path(url.removeprefix("unix://")).unlink()


async def test_what_came_and_went_does_not_wait_for_the_garbage_collector(busy) -> None:
    web = busy.client("web", busy.nodes["one"])
    await come_and_go(busy, web, "first")
    async with nothing_holds_itself():
        for name in ("second", "third"):
            await come_and_go(busy, web, name)


async def test_however_many_came_and_went_as_much_is_there(busy) -> None:
    found = []
    for number in range(3):
        for name in (f"web-{number}-{n}" for n in range(AT_ONCE)):
            await come_and_go(busy, busy.client(name, busy.nodes["one"]), name)
            await busy.kill(name)
            await pass_by(busy, f"{name}-nse")
        await asyncio.sleep(LONG)
        jwt.read.cache_clear()
        gc.collect()
        found.append(Counter(held()))
    grown = {what: more for what, more in (found[2] - found[1]).items() if more >= AT_ONCE}
    assert grown.keys() <= HARNESS, grown


def held() -> Iterator[str]:
    """Each thing of ours that there is, by its type, and each that it has in a container."""
    for thing in gc.get_objects():
        kind = type(thing)
        if not str(kind.__module__).startswith("nsm."):
            continue
        yield kind.__qualname__
        for name, value in attributes(thing):
            if isinstance(value, CONTAINERS):
                yield from [f"{kind.__qualname__}.{name}"] * len(value)


def attributes(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for slot in getattr(type(thing), "__slots__", ()):
        yield slot, getattr(thing, slot, None)
