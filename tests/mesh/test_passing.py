"""What W §13.3 says of chains of endpoints that pass on, on whole meshes."""

from dataclasses import replace

import pytest

from nsm.api.connection import Connection
from nsm.api.registration import Destination, Match
from nsm.errors import Unreachable
from nsm.sdk import Call, Request

from .counting import Count
from .meshes import Mesh
from .passing import Joints, linear, pass_on

pytestmark = pytest.mark.looptime

LENGTH = 5


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


class Chained:
    """A service of endpoints that lead each to the next, on one node or on one each."""

    def __init__(self, mesh: Mesh, *matches: Match) -> None:
        self.mesh = mesh
        self.matches = matches or tuple(linear(LENGTH))
        self.counts: list[Count] = []
        self.joints: list[Joints] = []

    async def start(self, nodes: int, steps: range = range(LENGTH)) -> None:
        for n in range(nodes):
            await self.mesh.start_node(f"n{n}", f"10.0.0.{n + 1}")
        places = list(self.mesh.nodes.values())
        for step in steps:
            count, labels = Count(), {"step": str(step)}
            name, place = f"nse-{step}", places[step % nodes]
            if step == steps[-1]:
                await self.mesh.serve(name, place, count, labels=labels)
            else:
                self.joints.append(await pass_on(self.mesh, name, place, count, labels=labels))
            self.counts.append(count)
        await self.mesh.change_service(places[0], *self.matches)
        self.web = self.mesh.client("web", places[0])

    async def ask(self) -> Connection:
        return await self.web.request(Call(), self.mesh.wish("web-0"))

    @property
    def empty(self) -> bool:
        return all(node.kernel.empty for node in self.mesh.nodes.values()) and not any(
            joints.joined for joints in self.joints
        )


@pytest.mark.parametrize(
    ("nodes", "segments"),
    [(1, 4 * (LENGTH - 1) + 4), (LENGTH, 6 * (LENGTH - 1) + 4)],
    ids=["local", "remote"],
)
async def test_every_endpoint_of_a_chain_is_asked_and_closed_once(mesh, nodes, segments) -> None:
    chain = Chained(mesh)
    await chain.start(nodes)
    conn = await chain.ask()
    assert len(names(conn)) == segments
    served = [name for name in names(conn) if name in {f"nse-{n}" for n in range(LENGTH)}]
    assert served == [f"nse-{n}" for n in range(LENGTH)]
    assert conn.endpoint == "nse-0"
    assert [len(joints.joined) for joints in chain.joints] == [1] * (LENGTH - 1)
    again = await chain.web.request(Call(), Request(conn))
    assert names(again) == names(conn)
    assert [(c.requests, c.closes) for c in chain.counts] == [(2, 0)] * LENGTH
    await chain.web.close(Call(), again)
    assert [(c.requests, c.closes) for c in chain.counts] == [(2, 1)] * LENGTH
    assert chain.empty


@pytest.mark.parametrize("nodes", [1, LENGTH], ids=["local", "remote"])
async def test_one_that_is_told_to_end_closes_what_it_led_on_and_nothing_before_it(
    mesh, nodes
) -> None:
    chain = Chained(mesh)
    await chain.start(nodes)
    conn = await chain.ask()
    stood = sum(len(node.kernel.links_at) for node in mesh.nodes.values())
    await chain.joints[1].ending.end()
    await mesh.kill("nse-1")
    assert [c.closes for c in chain.counts] == [0, 0, 1, 1, 1]
    assert [len(joints.joined) for joints in chain.joints] == [1, 0, 0, 0]
    standing = sum(len(node.kernel.links_at) for node in mesh.nodes.values())
    assert (stood, standing) == (2 * LENGTH, 2 * 2), "from the client to the one that ended"
    with pytest.raises(Unreachable, match="nse-1"):
        await chain.web.close(Call(), conn)
    assert [c.closes for c in chain.counts] == [1, 0, 1, 1, 1]
    assert chain.empty


async def test_where_nobody_serves_the_first_step_a_match_falls_through_to_the_second(
    mesh,
) -> None:
    *later, first = linear(LENGTH)
    second = Match(routes=(Destination({"step": "1"}),))
    chain = Chained(mesh, *later, replace(first, fallthrough=True), second)
    await chain.start(1, range(1, LENGTH))
    conn = await chain.ask()
    assert len(names(conn)) == 4 * (LENGTH - 2) + 4
    assert conn.endpoint == "nse-1"
    await chain.web.close(Call(), conn)
    assert [c.closes for c in chain.counts] == [1] * (LENGTH - 1)
    assert chain.empty


async def test_an_endpoint_of_several_labels_is_led_to_where_all_that_are_asked_for_are_its(
    mesh,
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    first = {"a": "yes", "b": "yes"}
    await pass_on(mesh, "nse-ab", node, labels=first)
    await mesh.serve("nse-a", node, labels={"a": "yes"})
    await mesh.serve("nse-bc", node, labels={"b": "yes", "c": "yes"})
    onward = Match(source_selector=first, routes=(Destination({"b": "yes", "c": "yes"}),))
    await mesh.change_service(node, onward, Match(routes=(Destination(first),)))
    conn = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert [n for n in names(conn) if n.startswith("nse-")] == ["nse-ab", "nse-ab-client", "nse-bc"]
    assert len(names(conn)) == 8
