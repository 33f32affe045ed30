"""SIGTERM, in whatever phase it comes: nothing is left, and the exit code is 0."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from .site import Site

pytestmark = pytest.mark.linux

SLOW = """
import asyncio
from nsm.endpoint import Element, serve

class TakeForEver(Element):
    async def request(self, call, request, next):
        print("thinking", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            print("thought better of it", flush=True)

serve(TakeForEver())
"""


async def start_asking(site: Site) -> Any:
    """A client that asks, whatever comes of it."""
    return await site.launch(
        "nsm.components.client",
        **site.settings(
            "near",
            NSM_CONNECT_TO=f"unix://{site.folder}/one.sock",
            NSM_NETWORK_SERVICES="kernel://greetings/nsm-1",
        ),
    )


@pytest.fixture
async def slow(site: Site) -> tuple[Any, Any]:
    """A node, and an endpoint on it that never answers."""
    file: Path = site.folder / "slow.py"
    file.write_text(SLOW)
    return await site.start_first(), await site.start_endpoint(str(file))


async def ends_well(program: Any) -> None:
    """It ends when told to, without complaint."""
    assert await program.ends(signal.SIGTERM) == 0
    assert "Traceback" not in program.said


async def test_a_client_in_the_middle_of_its_request_takes_it_back(site: Site, slow) -> None:
    node, nse = slow
    client = await start_asking(site)
    await nse.says("thinking")
    await ends_well(client)
    await nse.says("thought better of it")
    await ends_well(nse)
    await ends_well(node)
    await site.bare("near", "nse")


async def test_a_node_and_an_endpoint_in_the_middle_of_a_request_let_go_of_it(
    site: Site, slow
) -> None:
    node, nse = slow
    client = await start_asking(site)
    await nse.says("thinking")
    await asyncio.gather(*(ends_well(program) for program in (node, nse, client)))
    await site.bare("near", "nse")


async def test_a_client_that_heals_closes_what_it_had(site: Site) -> None:
    node, nse = await site.start_first(), await site.start_endpoint()
    client, _ = await site.start_client("near", "one")
    nse.process.kill()
    await client.says("no longer carries")
    await client.says("could not heal")
    await ends_well(client)
    await site.bare("near")
    await ends_well(node)
    assert "closed" not in node.said, "closed after the kernel was let go of"


async def test_told_twice_a_program_still_undoes_all(site: Site) -> None:
    node, nse = await site.start_first(), await site.start_endpoint()
    client, _ = await site.start_client("near", "one")
    for program in (client, nse, node):
        program.process.send_signal(signal.SIGTERM)
        await ends_well(program)
    await site.bare("near", "nse")
    assert not list(site.folder.glob("*.sock"))


async def test_an_endpoint_that_is_told_to_is_unknown_once_it_has_ended(site: Site) -> None:
    node = await site.start_first()
    nse = await site.start_endpoint(NSM_UNREGISTER_ITSELF="true")
    client, _ = await site.start_client("near", "one")
    await ends_well(nse)
    await client.says("endpoint 'nse' is not registered")
    await ends_well(client)
    await ends_well(node)
    await site.bare("near", "nse")
