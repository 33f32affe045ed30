"""A manager that was away for long is back: whoever is its, is known to it again at once."""

import asyncio

import pytest

from nsm.sdk import Call

pytestmark = pytest.mark.looptime

AWAY, KNOWN_AGAIN = 60.0, 0.5
"""Seconds without it; and after which all is as it was."""


async def test_what_registered_with_a_manager_is_known_soon_after_it_is_back(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    await asyncio.sleep(10)
    await mesh.kill("manager-one")
    await asyncio.sleep(AWAY)
    mesh.start_manager(node)
    await asyncio.sleep(KNOWN_AGAIN)
    conn = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert conn.endpoint == "nse"
