"""We call what grpc-go and go-spiffe serve."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.interop.conftest import authority
from tests.interop.ours import REFUSAL, read, sending
from tests.interop.peer import GoPeers

from nsm.api.connection import Connection, Request
from nsm.api.mechanism import KERNEL, LOCAL, Mechanism
from nsm.api.monitoring import Selector
from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.errors import Denied, NsmError, TooLate, Unreachable
from nsm.rpc import Pool
from nsm.sdk import Call, Tasks
from nsm.sdk.call import TokenPath
from nsm.sdk.streams import reading
from nsm.workload.client import follow

US, GO = "spiffe://test/python", "spiffe://test/go"
ASKED = Request(Connection(id="c1", network_service="web", labels={"größe": "ünïcode"}))

pytestmark = pytest.mark.interop


def asking_for(service: str) -> Request:
    return Request(Connection(id="c1", network_service=service))


def within(seconds: float) -> Call:
    return Call(deadline=asyncio.get_running_loop().time() + seconds)


@pytest.fixture
def begin(peers, tmp_path: Path):
    """Starts a Go server, and says where it is."""

    async def start(kind: str, *flags: str, agent: str = ""):
        path = tmp_path / "go.sock"
        where = {"unix": f"unix://{path}", "tcp": "tcp://127.0.0.1:0"}[kind]
        (file := tmp_path / "theirs.txt").write_text("from Go")
        flags = ("-listen", where, "-file", str(file), "-calls", "1000", *flags)
        peer = await peers("serve", *flags, agent=agent)
        at = (await peer.says("listening"))["at"]
        return peer, (where if kind == "unix" else f"tcp://{at}")

    return start


@pytest.fixture(params=["unix", "tcp"])
async def server(request, begin):
    return await begin(request.param)


@pytest.mark.parametrize("tls", [(), ("-tls12",)], ids=["newest", "tls12"])
@pytest.mark.parametrize("kind", ["unix", "tcp"])
async def test_a_request_is_answered_over_both_versions_of_tls(begin, pool, kind, tls) -> None:
    peer, url = await begin(kind, *tls)
    channel = await pool.dial(url)
    assert channel.peer.id == GO
    assert await channel.connections.request(Call(), ASKED) == ASKED.connection
    assert (await peer.says("request"))["peer"] == US


async def test_our_token_names_us_and_them_alone_is_young_and_its_signature_is_good(
    server, pool
) -> None:
    peer, url = server
    channel = await pool.dial(url)
    await channel.connections.request(Call(), ASKED)
    token = (await peer.says("request"))["token"]
    assert (token["subject"], token["audience"]) == (US, [GO])
    left = datetime.fromisoformat(token["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=9, seconds=50) < left <= timedelta(minutes=10)


async def test_files_travel_both_ways_over_a_unix_socket(begin, pool, tmp_path) -> None:
    peer, url = await begin("unix")
    (file := tmp_path / "ours.txt").write_text("from us")
    channel = await pool.dial(url)
    mechanism = sending(channel.files, file, Mechanism(LOCAL, KERNEL))
    asked = Request(Connection(id="c1", mechanism=mechanism))
    answer = await channel.connections.request(within(5), asked)
    assert (await peer.says("request"))["file"] == "from us"
    assert await read(channel.files, answer.mechanism) == "from Go"


async def test_a_hundred_files_at_once_find_their_calls(begin, pool, tmp_path) -> None:
    peer, url = await begin("unix")
    files = [tmp_path / f"ours.{number}" for number in range(100)]
    channel = await pool.dial(url)

    async def ask(file: Path) -> str:
        file.write_text(file.name)
        mechanism = sending(channel.files, file, Mechanism(LOCAL, KERNEL))
        asked = Request(Connection(id=file.name, mechanism=mechanism))
        return await read(
            channel.files, (await channel.connections.request(within(10), asked)).mechanism
        )

    assert await asyncio.gather(*map(ask, files)) == ["from Go"] * 100
    said = [await peer.says("request") for _ in files]
    assert all(each["file"] == each["id"] for each in said)


async def test_two_hundred_connections_are_made_side_by_side(server, source) -> None:
    _, url = server
    pools = [Pool(source, source) for _ in range(200)]
    try:
        channels = await asyncio.gather(*(pool.dial(url) for pool in pools))
        answers = await asyncio.gather(
            *(each.connections.request(Call(), asking_for("quiet")) for each in channels)
        )
    finally:
        await asyncio.gather(*(pool.close() for pool in pools))
    assert [answer.id for answer in answers] == ["c1"] * 200


async def test_two_hundred_calls_share_a_connection(server, pool) -> None:
    _, url = server
    channel = await pool.dial(url)
    ask = channel.connections.request
    wanted = [Request(Connection(id=f"c{n}", network_service="quiet")) for n in range(200)]
    answers = await asyncio.gather(*(ask(Call(), each) for each in wanted))
    assert [answer.id for answer in answers] == [each.connection.id for each in wanted]


async def test_a_stream_brings_every_event_in_order_and_ends(server, pool) -> None:
    _, url = server
    monitor = (await pool.dial(url)).monitor
    ids = [key async for event in monitor.watch(Call(), Selector()) for key in event.connections]
    assert ids == [str(number) for number in range(1000)]


async def test_much_is_read_slowly_without_loss(begin, pool) -> None:
    _, url = await begin("unix", "-size", "5000")
    ids = []
    async for event in (await pool.dial(url)).monitor.watch(Call(), Selector()):
        ids += event.connections
        await asyncio.sleep(0)
    assert ids == [str(number) for number in range(1000)]


async def test_a_find_ends_and_a_watch_goes_on_until_we_leave(server, pool) -> None:
    peer, url = server
    endpoints = (await pool.dial(url)).endpoints
    like = Endpoint(network_service_names=("web",))
    found = [answer.record async for answer in endpoints.find(Call(), Query(like))]
    assert [record.name for record in found] == [str(number) for number in range(1000)]
    assert {record.network_service_names for record in found} == {("web",)}
    async with reading(endpoints.find(Call(), Query(like, watch=True))) as watching:
        async for _ in watching:
            break
    await peer.says("unwatched")


async def test_a_deadline_that_passes_ends_the_call_on_both_sides(server, pool) -> None:
    peer, url = server
    channel = await pool.dial(url)
    with pytest.raises(TooLate):
        await channel.connections.request(within(0.3), asking_for("slow"))
    assert "context" in (await peer.says("gave up"))["why"]


async def test_a_call_that_we_give_up_is_cancelled_at_theirs(server, pool) -> None:
    peer, url = server
    channel = await pool.dial(url)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await channel.connections.request(Call(), asking_for("slow"))
    assert (await peer.says("gave up"))["why"] == "context canceled"


async def test_a_refusal_keeps_its_status_and_its_words(server, pool) -> None:
    _, url = server
    channel = await pool.dial(url)
    with pytest.raises(Denied) as refusal:
        await channel.connections.request(Call(), asking_for("denied"))
    assert refusal.value.cause == REFUSAL


async def test_a_message_of_three_megabytes_goes_there_and_back(server, pool) -> None:
    _, url = server
    channel = await pool.dial(url)
    asked = Request(Connection(id="c1", network_service="web", labels={"big": "x" * 3_000_000}))
    assert await channel.connections.request(Call(), asked) == asked.connection


async def test_a_registration_carries_its_path_both_ways(server, pool) -> None:
    peer, url = server
    services = (await pool.dial(url)).network_services
    path = TokenPath(0, [])
    assert await services.register(Call(tokens=path), NetworkService("web")) == NetworkService(
        "web"
    )
    assert (await peer.says("register"))["path"] == ['{"Index":0,"PathSegments":null}']
    assert (path.index, path.tokens) == (0, ["a", "b"])


@pytest.mark.parametrize("kind", ["unix", "tcp"])
async def test_a_server_of_another_authority_is_refused(begin, pool, stranger, kind) -> None:
    peer, url = await begin(kind, agent=stranger)
    with pytest.raises(NsmError, match="certificate"):
        await pool.dial(url)
    assert "tls" in (await peer.says("handshake"))["error"]


async def test_a_server_that_ends_is_unreachable(server, pool) -> None:
    peer, url = server
    channel = await pool.dial(url)
    await channel.connections.request(Call(), asking_for("quiet"))
    await peer.kill()
    with pytest.raises(Unreachable):
        await channel.connections.request(Call(), asking_for("quiet"))


async def test_we_never_ping_so_that_no_server_calls_us_too_eager(server, pool) -> None:
    peer, url = server
    channel = await pool.dial(url)
    for _ in range(50):
        await channel.connections.request(Call(), asking_for("quiet"))
    ids = [event async for event in channel.monitor.watch(Call(), Selector())]
    await pool.close()
    frames = await peer.says("frames")
    assert frames["HEADERS"] == 51
    assert "PING" not in frames
    assert len(ids) == 1000


async def test_no_call_is_lost_to_a_server_that_lets_no_connection_grow_old(begin, pool) -> None:
    peer, url = await begin("tcp", "-age", "200ms")
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.5
    while loop.time() < end:
        channel = await pool.dial(url)
        await channel.connections.request(within(5), asking_for("quiet"))
    await pool.close()
    heard = await peer.end()
    assert sum(said["event"] == "frames" for said in heard) >= 3


@pytest.mark.slow
async def test_whoever_has_a_new_certificate_is_still_believed(tmp_path, executable) -> None:
    tasks, folder = Tasks(), tmp_path / "brief"
    async with authority(folder, executable, leaf_lifetime="4s") as agent:
        source = await follow(agent, tasks)
        peers = GoPeers(executable, agent)
        peer = await peers("serve", "-listen", f"unix://{tmp_path}/go.sock")
        await peer.says("listening")
        leaves, epochs = set(), set()
        async with asyncio.timeout(20):
            while len(leaves) < 3 or len(epochs) < 3:
                pool = Pool(source, source)
                channel = await pool.dial(f"unix://{tmp_path}/go.sock")
                await channel.connections.request(Call(), ASKED)
                leaves.add(channel.peer.leaf)
                epochs.add(source.epoch)
                await pool.close()
                await asyncio.sleep(0.2)
        assert all(said["event"] != "handshake" for said in await peer.end())
        await tasks.stop()
