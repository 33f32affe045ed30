"""What W §13.2 says of who hears how many closes, on whole meshes."""

import asyncio
from contextlib import suppress

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.elements.lifecycle.heal import anew
from nsm.errors import Exhausted, NsmError, Unreachable
from nsm.sdk import Call, Element, Handler, Request

from .counting import Count
from .meshes import Mesh

pytestmark = pytest.mark.looptime

places = pytest.mark.parametrize("there", ["one", "two"], ids=["local", "remote"])


class Lost(Element):
    """A client whose closes get lost."""

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        raise Unreachable("lost")


class Scene:
    """A client on node one, whose first endpoint can be made to carry nothing."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.forwarders = {"one": Count(), "two": Count()}
        self.old, self.new = Count(), Count()
        self.dead: set[str] = set()

    async def alive(self, conn: Connection) -> bool:
        return conn.endpoint not in self.dead

    async def begin(self, there: str) -> Connection:
        for number, (name, count) in enumerate(self.forwarders.items(), 1):
            await self.mesh.start_node(name, f"10.0.0.{number}", 1450, count)
        await self.mesh.serve("nse-1", self.mesh.nodes[there], self.old)
        self.web = self.mesh.keeper("web", self.mesh.nodes["one"], Liveness(self.alive))
        return await self.web.request(Call(), self.mesh.wish("web-0"))

    async def replace(self, there: str) -> None:
        """The endpoint neither carries nor takes anyone from now on; another serves."""
        prefixes = ["172.16.2.0/24"]
        node = self.mesh.nodes[there]
        await self.mesh.serve("nse-2", node, self.new, prefixes=prefixes, register=False)
        self.dead.add("nse-1")
        self.old.failing = Exhausted("no room")

    async def restart_manager(self, name: str) -> None:
        await self.mesh.kill(f"manager-{name}")
        self.mesh.start_manager(self.mesh.nodes[name])

    async def settle(self, conn: Connection) -> Connection:
        """Give it time to heal, and ask as a user would with what was answered first."""
        await asyncio.sleep(30)
        closes = self.closes()
        conn = await self.web.request(Call(), Request(conn))
        assert conn.endpoint == "nse-2"
        assert self.closes() == closes, "a refresh closes nothing"
        return conn

    def closes(self) -> dict[str, int]:
        counts = self.forwarders | {"old": self.old, "new": self.new}
        return {name: count.closes for name, count in counts.items()}

    @property
    def empty(self) -> bool:
        return all(node.kernel.empty for node in self.mesh.nodes.values())


@pytest.fixture
def scene(mesh) -> Scene:
    return Scene(mesh)


@pytest.mark.parametrize(
    ("there", "restarted"),
    [("one", ["one"]), ("two", ["one"]), ("two", ["two"]), ("two", ["one", "two"])],
    ids=["local", "remote, the near one", "remote, the far one", "remote, both"],
)
async def test_selecting_anew_after_managers_restarted_closes_the_old_way_once(
    scene, there, restarted
) -> None:
    conn = await scene.begin(there)
    await scene.replace(there)
    for name in restarted:
        await scene.restart_manager(name)
    far = int(there == "two")
    conn = await scene.settle(conn)
    assert scene.closes() == {"one": 1, "two": far, "old": 1, "new": 0}
    await scene.web.close(Call(), conn)
    assert scene.closes() == {"one": 2, "two": 2 * far, "old": 1, "new": 1}
    assert scene.empty


async def test_a_restarted_forwarder_has_nothing_to_close_and_the_one_behind_it_has(scene) -> None:
    conn = await scene.begin("two")
    await scene.replace("two")
    await scene.mesh.kill("forwarder-one")
    again = Count()
    await scene.mesh.start_forwarder(scene.mesh.nodes["one"], 1450, again)
    conn = await scene.settle(conn)
    assert again.closes == 0
    assert scene.closes() == {"one": 0, "two": 1, "old": 1, "new": 0}
    await scene.web.close(Call(), conn)
    assert again.closes == 1
    assert scene.closes() == {"one": 0, "two": 2, "old": 1, "new": 1}
    assert scene.empty


@places
async def test_a_close_reaches_everybody_though_the_registry_is_dead(scene, there) -> None:
    conn = await scene.begin(there)
    await scene.mesh.kill("registry")
    await scene.web.close(Call(), conn)
    assert scene.closes() == {"one": 1, "two": int(there == "two"), "old": 1, "new": 0}
    assert scene.empty


@places
async def test_what_a_heal_has_closed_after_a_failed_refresh_is_not_closed_again(
    scene, there
) -> None:
    conn = await scene.begin(there)
    scene.old.failing = Unreachable("no more")
    with pytest.raises(NsmError):
        await scene.web.request(Call(), Request(conn))
    scene.dead.add("nse-1")
    await asyncio.sleep(30)
    assert scene.old.closes == 1
    with suppress(NsmError):
        await scene.web.close(Call(), conn)
    assert scene.old.closes == 1
    assert scene.empty


@places
async def test_another_forwarder_goes_on_though_the_clients_own_close_is_lost(mesh, there) -> None:
    nodes = {
        name: await mesh.start_node(name, f"10.0.0.{number}")
        for number, name in enumerate(("one", "two"), 1)
    }
    count = Count()
    await mesh.serve("nse", nodes[there], count)
    web = mesh.keeper("web", nodes["one"], None, anew, Lost())
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill(f"forwarder-{there}")
    await mesh.start_forwarder(nodes[there], name="heir", labels=None)
    await asyncio.sleep(30)
    assert (count.requests, count.closes) == (2, 1)
    conn = await web.request(Call(), Request(conn))
    assert conn.hops.segments[-2].name == "heir"
    assert (count.requests, count.closes) == (3, 1)
