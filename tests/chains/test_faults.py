"""Seeded faults: whatever dies, in the end everybody is connected, and nothing is left over."""

import asyncio
import random

import pytest

from nsm.api.connection import UP, Connection, Request
from nsm.chains.testing import Domain
from nsm.errors import NsmError
from nsm.sdk import Call, Handler
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

WAY = {"nm": ["fwd", "fwd2"], "fwd": ["nse", "nse2"], "fwd2": ["nse", "nse2"]}
CLIENTS = 5
FAULTS = 30.0
"""Seconds in which programs die and come back."""
LIFETIME = 700.0
"""Seconds after which every token has run out that a dead program left behind."""
CALM = 10.0
"""Seconds after which everybody is to be connected again."""


async def break_things(domain: Domain, chance: random.Random) -> None:
    """Kill programs and start them again, then leave all of them running."""
    dead: list[str] = []
    while domain.clock.ticks() < FAULTS:
        await domain.clock.sleep(chance.expovariate(1.0))
        living = [name for name in domain.onward if name not in dead]
        if dead and chance.random() < 0.5:
            domain.start(dead.pop(chance.randrange(len(dead))))
        elif living:
            dead.append(chance.choice(living))
            domain.kill(dead[-1])
    for name in dead:
        domain.start(name)


async def live(client: Handler, id: str, chance: random.Random) -> Connection:
    """Connect, and now and then ask again, whatever happens."""
    conn = Connection(id)
    while conn.path is None or chance.random() < 0.9:
        try:
            async with asyncio.timeout(5):
                conn = await client.request(Call(), Request(conn))
        except (NsmError, TimeoutError):
            pass
        await asyncio.sleep(chance.expovariate(0.3))
    return conn


@pytest.mark.parametrize("seed", range(25))
async def test_after_the_faults_everybody_is_connected_and_after_the_end_nothing_is_left(
    seed: int,
) -> None:
    chance = random.Random(seed)
    async with Domain(LoopClock(), **WAY, nse=[], nse2=[]) as domain:
        clients = {f"nsc-{i}": domain.client(f"nsc-{i}", "nm") for i in range(CLIENTS)}
        lives = (live(client, id, random.Random(seed)) for id, client in clients.items())
        _, *conns = await asyncio.gather(break_things(domain, chance), *lives)
        await asyncio.sleep(CALM)
        stand = {
            conn.hops.segments[0].id: conn.state
            for conn in domain.needs["nm"].events._known.values()
        }
        assert stand == dict.fromkeys(clients, UP)
        for conn, client in zip(conns, clients.values(), strict=True):
            await client.close(Call(), conn)
        await asyncio.sleep(LIFETIME)
        assert {
            name: len(needs.events) for name, needs in domain.needs.items() if needs.events
        } == {}
        assert [name for name, needs in domain.needs.items() if needs.watching.interests] == []
        assert len(domain.tasks) + sum(len(n.tasks) for n in domain.needs.values()) == 0
