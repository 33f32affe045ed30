"""Whoever listens on the way hears nothing of who asks whom for what."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from .agency import Agency, first_answer, own
from .relayed import Relays
from .tapped import MARKER, PORT, SERVER, WORDS, World

pytestmark = pytest.mark.attacks

TLS13 = b"\x00\x2b\x00\x02\x03\x04"
"""The extension by which a ServerHello chooses TLS 1.3 (RFC 8446 §4.2.1)."""
HELLO = b"\x16\x03"


def overheard(said: Iterable[bytes]) -> list[str]:
    """Which of the words were said."""
    texts = list(said)
    return [name for name, word in WORDS.items() if any(word in text for text in texts)]


@pytest.mark.linux
@pytest.mark.world
def test_between_nodes_nothing_is_in_clear(world: World) -> None:
    marker = [bytes(said) for flow, said in world.ears.heard.items() if PORT in flow.ports]
    assert overheard(marker) == list(WORDS)
    flows = {f: bytes(said) for f, said in world.ears.heard.items() if PORT not in f.ports and said}
    places = {flow.seen_at[0].partition("@")[0] for flow in flows}
    assert {"node-1", "node-2", "registry", "underlay"} <= places
    assert overheard(flows.values()) == []
    assert all(said.startswith(HELLO) for said in flows.values())


@pytest.mark.linux
@pytest.mark.world
def test_between_nodes_only_the_newest_tls_is_spoken(world: World) -> None:
    answers = {
        flow: bytes(said)
        for flow, said in world.ears.heard.items()
        if flow.ports[0] in (5001, 5002) and said
    }
    assert len(answers) > 4
    assert all(TLS13 in said[:200] for said in answers.values())


@pytest.mark.linux
@pytest.mark.world
def test_on_a_node_nothing_is_in_clear(world: World) -> None:
    """Unix sockets carry the same TLS, to managers of both nodes and to the endpoint."""
    heard = {name: bytes(said) for name, said in world.relays.heard.items()}
    assert overheard([heard.pop(MARKER)]) == list(WORDS)
    assert set(heard) == {"node@node-1", "node@node-2", SERVER}
    assert all(len(said) > 2000 and TLS13 in said for said in heard.values())
    assert overheard(heard.values()) == []


async def test_the_workload_api_is_the_one_that_is_not_hidden(tmp_path: Path) -> None:
    """SPIFFE has it so: it is for one machine, and its socket says who calls."""
    agency = Agency(tmp_path)
    agency.register("uid: 0")
    await agency.server.start()
    relays = Relays()
    relays.stand_before(agency.path)
    try:
        assert (await first_answer(own(agency.path))).data
        assert "an id" in overheard(map(bytes, relays.heard.values()))
    finally:
        await asyncio.to_thread(relays.stop)
        await agency.server.close()
