"""Whoever listens on the way hears nothing of who asks whom for what."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nsm.api.connection import Connection, Request, Segment
from nsm.api.connection import Path as Hops
from nsm.errors import NsmError
from nsm.identity.source import Source
from nsm.rpc import Pool
from nsm.sdk import Call, Clock

from .agency import Agency, first_answer, own
from .realm import Realm
from .tapped import CLIENT, LABEL, PORT, SERVER, SERVICE, WORDS, World

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


@asynccontextmanager
async def relay(folder: Path, to: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A socket that passes everything on, and what passed."""
    passed: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            passed.append(data)
            writer.write(data)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(to)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    path = folder / "relay.sock"
    server = await asyncio.start_unix_server(meet, path)
    try:
        yield str(path), passed
    finally:
        server.close()


async def test_on_a_node_nothing_is_in_clear(realm: Realm, tmp_path: Path) -> None:
    """Unix sockets carry the same TLS; only the Workload API's does not, and so can be heard."""
    agency = Agency(tmp_path)
    agency.register("uid: 0")
    await agency.server.start()
    async with relay(tmp_path, str(agency.path)) as (path, passed):
        assert (await first_answer(own(Path(path)))).data
        assert "an id" in overheard([b"".join(passed)])
    await agency.server.close()
    (tmp_path / "relay.sock").unlink(missing_ok=True)
    source: Source = realm.source(f"spiffe://test/{CLIENT}")
    async with relay(tmp_path, realm.manager.addresses[0].removeprefix("unix://")) as (
        path,
        passed,
    ):
        pool = Pool(source, source)
        channel = await pool.dial(f"unix://{path}", 5)
        wish = Connection(
            CLIENT,
            network_service=SERVICE,
            labels={"color": LABEL},
            endpoint=SERVER,
            path=Hops(0, (Segment(CLIENT, CLIENT),)),
        )
        call = Call(deadline=Clock().ticks() + 5)
        with pytest.raises(NsmError, match=SERVICE):  # nobody serves it; the manager says so
            await channel.connections.request(call, Request(wish))
        await pool.close()
        assert realm.tap.heard
        assert sum(map(len, passed)) > 2000
        assert overheard([b"".join(passed)]) == []
        assert TLS13 in b"".join(passed)
