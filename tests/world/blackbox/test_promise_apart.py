"""Where manager and forwarder are programs of their own, each may be killed, too."""

import asyncio
import time
from importlib import import_module
from types import ModuleType

import pytest

from .felt import LATE, unharmed
from .lab import ROOT

pytestmark = [pytest.mark.linux, pytest.mark.world, pytest.mark.slow]

WITHIN = 60.0
"""Seconds until a forwarder that stays away must have been followed: it has ten to come back."""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What is measured there is promised here."""
    monkeypatch.syspath_prepend(str(ROOT))
    return import_module("bench.apart")


async def test_when_a_manager_or_a_forwarder_alone_is_killed_nothing_is_felt(bench) -> None:
    felt = await bench.apart(times=2)
    assert set(felt) == set(bench.APART)
    assert [row for row, runs in felt.items() if not all(map(unharmed, runs))] == [], felt


async def test_another_forwarder_follows_one_that_stays_away_and_nothing_is_felt(bench) -> None:
    node, gone = bench.NODES[0], f"forwarder-{bench.NODES[0]}"
    async with bench.Ground(separate=True) as ground, bench.watched(ground) as echoes:
        since = time.monotonic()
        await ground.kill(gone)
        await ground.start(
            "heir",
            node,
            bench.python("nsm.components.forwarder"),
            NSM_CONNECT_TO=ground.manager(node),
            NSM_TUNNEL_IP="100.64.0.2",
            NSM_STATE_DIR=str(ground.folder / node),
        )
        path: list[str] = []
        async with asyncio.timeout(WITHIN):
            while "heir" not in path:
                told = await ground.heard(1) or {}
                path = told.get("connection", {}).get("path", [])
        until = time.monotonic()
        await asyncio.sleep(LATE)
        echoes.read()
        assert unharmed(seen := echoes.seen(bench.INTERFACE, since, until)), seen
