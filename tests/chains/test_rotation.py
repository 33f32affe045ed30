"""Held connections while certificates and roots are replaced, or cannot be: real sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nsm.api.connection import UP, Connection, Request
from nsm.chains.client import client, persistent_client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.elements.policy import Authorize, AuthorizeClient
from nsm.elements.reach import Connect, SetUrl
from nsm.errors import NsmError
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.policies import CLIENT, SERVER, Policies
from nsm.identity.roster import Roster
from nsm.identity.source import Source
from nsm.rpc import Pool, serve
from nsm.rpc.plain import PlainServer
from nsm.rpc.server import Server
from nsm.sdk import END, Call, Clock, Element, Handler, Offer, Tasks
from nsm.sdk.testing import Recorder
from nsm.workload.client import follow
from nsm.workload.server import WorkloadApi

ROTATIONS = 10
HELD = 100
WAY = ("client", "manager", "forwarder", "endpoint")


class CountingPool(Pool):
    """Counts what it dials."""

    dials = 0

    def _begin(self, key, target):
        self.dials += 1
        return super()._begin(key, target)


class Judge(Element):
    """Looks at what arrives as the policies have let it through, and at what they have not."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.leaves: set[bytes] = set()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        try:
            conn = await next.request(call, request)
        except NsmError as error:
            self.refused.append(str(error))
            raise
        path = request.connection.hops
        if call.peer and path.index:
            assert jwt.signed_by(path.segments[path.index - 1].token, call.peer.leaf)
            self.leaves.add(call.peer.leaf)
        return conn


@dataclass
class Program:
    """One hop: an identity by the Workload API, a pool, a socket."""

    name: str
    folder: Path
    authority: Authority
    tasks: Tasks = field(default_factory=Tasks)
    judge: Judge = field(default_factory=Judge)

    async def begin(self) -> None:
        """Take an identity."""
        entries = self.folder / f"{self.name}.yaml"
        entries.write_text(f"entries: [{{id: 'spiffe://test/{self.name}', uid: {os.getuid()}}}]")
        roster = Roster(entries, "test", self.authority.changes)
        await roster.load()
        self.agent = str(self.folder / f"{self.name}.agent")
        self.methods = WorkloadApi(self.authority, roster, Clock()).methods
        await self.attend()
        self.source: Source = await follow(f"unix://{self.agent}", self.tasks)
        self.pool = CountingPool(self.source, self.source)
        self.server: Server | None = None
        self.needs = Needs(
            name=self.name,
            tokens=self.source,
            dialer=self.pool,
            authorize=Authorize(Policies.select(SERVER), Clock()),
            tasks=self.tasks,
        )

    async def attend(self) -> None:
        """Have the authority there, or there again."""
        self.api = PlainServer(self.agent, self.methods)
        await self.api.start()

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/{self.name}.sock"

    async def serve(self, *then, at: Handler = END) -> None:
        handler = endpoint(self.needs, self.judge, *then).bind(at)
        offer = Offer(connections=handler, monitor=self.needs.events)
        self.server = await serve(offer, [self.url], self.source, self.source)

    def onwards(self, to: "Program") -> Connect:
        judged = AuthorizeClient(Policies.select(CLIENT), Clock())
        return Connect(client(self.needs, url=SetUrl(to.url), authorize=judged).bind(END))

    async def end(self) -> None:
        if self.server:
            await self.server.close(0)
        await self.pool.close()
        await self.tasks.stop()
        await self.api.close()


@dataclass
class Mesh:
    """A client that holds connections through two hops to an endpoint."""

    programs: tuple[Program, ...]
    authority: Authority
    heard: Recorder = field(default_factory=Recorder)
    outlived: float = 0.0
    newest: int = 0

    async def begin(self) -> None:
        """Ask for them."""
        nsc, manager, forwarder, nse = self.programs
        await nse.serve(at=self.heard)
        await forwarder.serve(forwarder.onwards(nse))
        await manager.serve(manager.onwards(forwarder))
        self.asking = persistent_client(nsc.needs, manager.url).bind(END)
        asked = [Connection(id=f"c{n}") for n in range(HELD)]
        self.held = await self.ask(asked)
        self.standing = {conn.hops.segments[3].id for conn in self.held}
        self.first = [each.pool.dials for each in self.programs]
        self.asked = len(self.heard.heard)

    async def ask(self, conns) -> list[Connection]:
        asked = (self.asking.request(Call(), Request(conn)) for conn in conns)
        return list(await asyncio.gather(*asked))

    async def rotate(self, pause: float, *, by_hand: bool) -> None:
        """Replace every leaf ten times, their intermediate twice, and twice the root."""
        for turn in range(ROTATIONS):
            if turn in (1, 5):
                self.authority.rotate()
            elif turn in (3, 8):
                self.authority.rotate_intermediate()
            else:
                self.authority.reissue()
            self.newest += self.authority.signing is not self.authority.roots[0]
            await asyncio.sleep(pause)
            if by_hand:
                self.held = await self.ask(self.held)

    async def watch(self) -> None:
        """See by how much the oldest connection outlives its certificates."""
        while True:
            for each in self.programs:
                guests = each.server._host._guests if each.server else ()
                ends = [each.transport.session.until for each in guests if each.transport.is_open]
                late = (Clock().now() - end for end in ends)
                self.outlived = max(self.outlived, *late, 0.0, 0.0)
            await asyncio.sleep(0.1)

    @property
    def dials(self) -> list[int]:
        now = [each.pool.dials for each in self.programs]
        return [after - before for after, before in zip(now, self.first, strict=True)]


@pytest.fixture(params=[(60.0, 0.4), pytest.param((40.0, 6.0), marks=pytest.mark.slow)])
async def pace(request: pytest.FixtureRequest) -> tuple[float, float]:
    """The life of a leaf, and the time between two rotations; the second kind also ends."""
    return request.param


@pytest.fixture
async def mesh(tmp_path: Path, pace) -> AsyncIterator[Mesh]:
    authority = Authority("test", Clock(), leaf_lifetime=pace[0], root_lifetime=10 * pace[0])
    authority.settling = pace[1]
    mesh = Mesh(tuple(Program(name, tmp_path, authority) for name in WAY), authority)
    async with AsyncExitStack() as ending:
        for program in mesh.programs:
            await program.begin()
            ending.push_async_callback(program.end)
        await mesh.begin()
        yield mesh


async def test_a_hundred_connections_outlive_ten_rotations_and_two_roots(mesh, pace) -> None:
    leaf, pause = pace
    watching = asyncio.ensure_future(mesh.watch())
    await mesh.rotate(pause, by_hand=leaf > ROTATIONS * pause)
    watching.cancel()
    assert mesh.newest >= 4
    assert {verb for verb, _ in mesh.heard.heard} == {"request"}
    assert {conn.id for _, conn in mesh.heard.heard[mesh.asked :]} == mesh.standing
    assert not [why for each in mesh.programs for why in each.judge.refused]
    assert mesh.outlived < 0.3
    *askers, endpoint_dials = mesh.dials
    assert endpoint_dials == 0
    assert all(ROTATIONS / 2 <= dials <= 2 * ROTATIONS for dials in askers)
    assert len(mesh.programs[3].judge.leaves) >= ROTATIONS / 2
    final = await mesh.ask(mesh.held)
    assert {conn.state for conn in final} == {UP}
    assert {conn.hops.segments[3].id for conn in final} == mesh.standing


@pytest.mark.parametrize("pace", [(6.0, 0.4)], indirect=True)
async def test_all_go_on_without_an_authority_until_leaves_end_and_again_when_it_is_back(
    mesh,
) -> None:
    for each in mesh.programs:
        await each.api.close()
    had = {each.name: (each.source.epoch, each.source.not_after) for each in mesh.programs}
    ends = [end for _, end in had.values()]
    rounds = 0
    while Clock().now() < min(ends) - 1:
        rounds += 1
        asked = [*mesh.held[:10], Connection(id=f"new-{rounds}")]
        try:
            assert {conn.state for conn in await mesh.ask(asked)} == {UP}
        except NsmError:
            assert Clock().now() >= min(ends), "it could not yet have failed for that"
        await asyncio.sleep(0.2)
    assert rounds
    assert {each.name: (each.source.epoch, each.source.not_after) for each in mesh.programs} == had
    await asyncio.sleep(max(ends) + 0.3 - Clock().now())
    nsc, manager, *_ = mesh.programs
    once = client(nsc.needs, url=SetUrl(manager.url)).bind(END)
    with pytest.raises(NsmError):
        await once.request(Call(deadline=Clock().ticks() + 5), Request(Connection(id="late")))
    for each in mesh.programs:
        await each.attend()
    async with asyncio.timeout(60):
        for each in mesh.programs:
            await each.source.changes.past(had[each.name][0])
        again = await mesh.ask(mesh.held[:10])
    assert {conn.state for conn in again} == {UP}
