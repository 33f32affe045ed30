"""A connection that is led to another endpoint: the old wire carries until the new one does."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest

from nsm.api.connection import Connection, Request
from nsm.dataplane.fake import FakeKernel, failing_at, healthy
from nsm.dataplane.ops import Op, TakeName
from nsm.elements.lifecycle.heal import elsewhere
from nsm.errors import Exhausted, NsmError
from nsm.sdk import Call, Element, Handler

pytestmark = pytest.mark.looptime

PLACES = {
    "on one node": ("one", "one"),
    "to another node": ("one", "two"),
    "from another node": ("two", "one"),
    "on another node": ("two", "two"),
    "between other nodes": ("two", "three"),
}
places = pytest.mark.parametrize(("old", "new"), PLACES.values(), ids=PLACES)


class Moody(Element):
    """An endpoint that has no room when told so."""

    full = False

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if self.full:
            raise Exhausted("no room")
        return await next.request(call, request)


class Scene:
    """A client on node one, endpoints on the nodes of the test."""

    def __init__(self, mesh) -> None:
        self.mesh, self.other = mesh, Moody()

    async def begin(self, old: str, new: str) -> Connection:
        for number, name in enumerate(("one", "two", "three"), 1):
            await self.mesh.start_node(name, f"10.0.0.{number}")
        await self.mesh.serve("old", self.mesh.nodes[old])
        self.web = self.mesh.client("web", self.mesh.nodes["one"])
        conn = await self.web.request(Call(), self.mesh.wish("web-0"))
        await self.mesh.serve("new", self.mesh.nodes[new], self.other)
        return conn

    @property
    def kernels(self) -> list[FakeKernel]:
        return [node.kernel for node in self.mesh.nodes.values()]

    def ends(self) -> set[str]:
        """Whose namespaces have an interface."""
        known = {self.mesh.at(who): who for who in ("web", "old", "new")}
        return {known[netns] for kernel in self.kernels for netns, _ in kernel.links_at}

    def carries(self) -> str:
        """Who gets what the client sends: the other end of its pair, or whoever has that VNI."""
        near = self.kernels[0].links_at[self.mesh.at("web"), "nsm-1"]
        if near.peer:
            far = near.peer[0]
        else:
            vni = near.vni[1:]
            far, *more = (
                netns
                for kernel in self.kernels[1:]
                for (netns, _), link in kernel.links_at.items()
                if link.vni and link.vni[1:] == vni
            )
            assert not more
        return next(who for who in ("old", "new") if self.mesh.at(who) == far)

    def held(self) -> int:
        return sum(len(node.vnis) for node in self.mesh.nodes.values())


@pytest.fixture
def scene(mesh) -> Scene:
    return Scene(mesh)


@places
async def test_the_new_wire_takes_the_place_of_the_old_which_then_goes(scene, old, new) -> None:
    conn = await scene.begin(old, new)
    assert scene.carries() == "old"
    moved = await scene.web.request(Call(), Request(elsewhere(conn)))
    assert (moved.endpoint, scene.carries()) == ("new", "new")
    assert moved.id == conn.id
    assert moved.mechanism == conn.mechanism
    await asyncio.sleep(60)
    assert scene.ends() == {"web", "new"}
    assert scene.held() == (new != "one")
    again = await scene.web.request(Call(), Request(moved))
    assert (again.endpoint, again.ip, scene.carries()) == ("new", moved.ip, "new")
    await scene.web.close(Call(), again)
    assert all(kernel.empty for kernel in scene.kernels)
    assert scene.held() == 0


@places
async def test_where_the_other_refuses_the_old_wire_stands_as_it_was(scene, old, new) -> None:
    conn = await scene.begin(old, new)
    scene.other.full = True
    stood = [dict(kernel.links_at) for kernel in scene.kernels]
    again = await scene.web.request(Call(), Request(elsewhere(conn)))
    assert (again.endpoint, again.ip, scene.carries()) == ("old", conn.ip, "old")
    await asyncio.sleep(60)
    assert [dict(kernel.links_at) for kernel in scene.kernels] == stood
    await scene.web.close(Call(), conn)
    assert all(kernel.empty for kernel in scene.kernels)
    assert scene.held() == 0


@pytest.mark.parametrize(("old", "new"), [p for p in PLACES.values() if p != ("two", "two")])
async def test_a_kernel_that_fails_half_way_leaves_the_old_wire_and_no_other(
    scene, old, new
) -> None:
    conn = await scene.begin(old, new)
    for at in range(1, 6):
        scene.kernels[0].fault = failing_at(scene.kernels[0].asked + at)
        with suppress(NsmError):
            await scene.web.request(Call(), Request(elsewhere(conn)))
        await asyncio.sleep(60)
        assert scene.carries() in ("old", "new")
        assert scene.ends() == {"web", scene.carries()}
        scene.kernels[0].fault = healthy
        conn = await scene.web.request(Call(), Request(replace(conn, endpoint="old")))
        await asyncio.sleep(60)
        assert scene.carries() == conn.endpoint == "old"


async def test_what_carries_is_never_without_an_interface(scene) -> None:
    """At every op of every kernel, the client's interface is there and leads to somebody."""
    conn = await scene.begin("two", "three")
    seen: list[tuple[Op, str]] = []

    def look(_at: int, op: Op) -> NsmError | None:
        seen.append((op, scene.carries()))
        return None

    for kernel in scene.kernels:
        kernel.fault = look
    await scene.web.request(Call(), Request(elsewhere(conn)))
    await asyncio.sleep(60)
    who = [carries for _, carries in seen]
    changes = [(before, after) for before, after in pairwise(who) if before != after]
    assert changes == [("old", "new")]
    taking = next(at for at, (op, _) in enumerate(seen) if isinstance(op, TakeName))
    assert who[: taking + 1] == ["old"] * (taking + 1)
    assert set(who[taking + 1 :]) == {"new"}


@pytest.mark.parametrize("pause", [0.0, 0.5, 1.5, 30.0])
async def test_what_comes_back_to_a_node_is_not_closed_by_the_way_it_came_before(
    scene, pause
) -> None:
    conn = await scene.begin("two", "three")
    moved = await scene.web.request(Call(), Request(elsewhere(conn)))
    assert scene.carries() == "new"
    await asyncio.sleep(pause)
    back = replace(elsewhere(moved), endpoint="old")
    again = await scene.web.request(Call(), Request(back))
    assert again.endpoint == "old"
    for _ in range(8):
        for _ in range(10):
            await asyncio.sleep(10)
            assert scene.carries() == "old"
        again = await scene.web.request(Call(), Request(again))
    assert scene.ends() == {"web", "old"}
    await scene.web.close(Call(), again)
    assert all(kernel.empty for kernel in scene.kernels)
