"""What W §13.3 says of a connection's life from first request to close, on whole meshes."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Request
from nsm.api.labels import Labels
from nsm.api.registration import Destination, Match
from nsm.elements.lifecycle import Retry
from nsm.elements.lifecycle.heal import anew
from nsm.errors import Exhausted, NsmError
from nsm.sdk import Call, chain

from .counting import Count

pytestmark = pytest.mark.looptime

places = pytest.mark.parametrize("there", ["one", "two"], ids=["local", "remote"])


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


async def two_nodes(mesh):
    return {n: await mesh.start_node(n, ip) for n, ip in (("one", "10.0.0.1"), ("two", "10.0.0.2"))}


@places
async def test_an_endpoint_hears_of_a_request_a_refresh_and_one_close(mesh, there) -> None:
    nodes = await two_nodes(mesh)
    count = Count()
    await mesh.serve("nse", nodes[there], count)
    web = mesh.client("web", nodes["one"])
    conn = await web.request(Call(), mesh.wish("web-0"))
    assert (count.requests, count.closes) == (1, 0)
    assert len(names(conn)) == (4 if there == "one" else 6)
    conn = await web.request(Call(), Request(conn))
    assert (count.requests, count.closes) == (2, 0)
    await web.close(Call(), conn)
    assert (count.requests, count.closes) == (2, 1)
    await web.close(Call(), conn)
    assert count.closes == 1, "a second close goes nowhere"


@places
async def test_a_client_that_comes_first_is_answered_when_the_endpoint_is_registered(
    mesh, there
) -> None:
    nodes = await two_nodes(mesh)
    retrying = chain(Retry(mesh.clock)).bind(mesh.client("web", nodes["one"]))
    asked = asyncio.ensure_future(retrying.request(Call(), mesh.wish("web-0")))
    await asyncio.sleep(0.1)
    await mesh.serve("nse", nodes[there])
    async with asyncio.timeout(15):
        assert (await asked).endpoint == "nse"


async def test_a_refresh_of_a_dead_endpoint_fails_within_a_second(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    web = mesh.client("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("nse")
    async with asyncio.timeout(1):
        with pytest.raises(NsmError):
            await web.request(Call(), Request(conn))


async def test_of_four_endpoints_the_one_that_is_not_busy_answers(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    for n in range(3):
        busy = Count()
        busy.failing = Exhausted("busy")
        await mesh.serve(f"busy-{n}", node, busy)
    await mesh.serve("good", node)
    conn = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert conn.endpoint == "good"


@places
async def test_a_template_leads_to_the_endpoint_on_the_clients_node(mesh, there) -> None:
    nodes = await two_nodes(mesh)
    for name, node in nodes.items():
        await mesh.serve(f"nse-{name}", node, labels={"nodeName": name})
    here = Destination({"nodeName": "{{.nodeName}}"})
    await mesh.change_service(nodes["one"], Match(routes=(here,)))
    conn = await mesh.client("web", nodes[there]).request(Call(), mesh.wish("web-0"))
    assert conn.endpoint == f"nse-{there}"


@pytest.mark.parametrize(
    ("metadata", "type"),
    [(Labels({"p2mp": "true"}), "p2mp"), (None, "p2p"), (Labels({}), "p2p")],
    ids=["asked for", "not said", "said to be nothing"],
)
async def test_the_services_match_says_which_kind_of_forwarder_carries_at_both_ends(
    mesh, metadata, type
) -> None:
    nodes = await two_nodes(mesh)
    for name, node in nodes.items():
        await mesh.start_forwarder(node, name=f"p2mp-{name}", labels={"p2mp": "true"})
    await mesh.serve("nse", nodes["two"])
    await mesh.change_service(nodes["one"], Match(routes=(Destination(),), metadata=metadata))
    conn = await mesh.client("web", nodes["one"]).request(Call(), mesh.wish("web-0"))
    prefix = "p2mp" if type == "p2mp" else "forwarder"
    assert [names(conn)[at] for at in (2, 4)] == [f"{prefix}-one", f"{prefix}-two"]


async def test_labels_a_client_changes_for_its_heal_stand_in_the_answer(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse-1", node)

    def recolour(conn: Connection) -> Connection:
        return replace(anew(conn), labels={"color": "red"})

    web = mesh.keeper("web", node, change=recolour)
    conn = await web.request(Call(), mesh.wish("web-0", color="blue"))
    await mesh.serve("nse-2", node, prefixes=["172.16.2.0/24"], register=False)
    await mesh.kill("nse-1")
    await asyncio.sleep(20)
    again = await web.request(Call(), Request(conn))
    assert (again.endpoint, again.labels["color"]) == ("nse-2", "red")
