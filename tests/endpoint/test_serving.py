"""An endpoint at work: from its start to being of no use to anybody."""

import signal
from pathlib import Path

import pytest

from nsm.config import load
from nsm.endpoint.config import Config
from nsm.endpoint.serving import idle, worker
from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.sdk import Clock
from nsm.sdk.clock import LoopClock
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

AUTHORITY = Authority("test", Clock())


def program(clock: Clock) -> Program:
    source = FakeSource.of("spiffe://test/nse", AUTHORITY)
    running = Program(name="nse", environ={}, identity=source, tokens=source, dialer=None)
    running.clock = clock
    running.dialer = Switchboard(running.tasks, clock).dialer(party("spiffe://test/nse", clock))
    return running


@pytest.mark.looptime
async def test_an_endpoint_nobody_comes_to_stops_after_its_time() -> None:
    clock = LoopClock()
    running = program(clock)
    idle(load(Config, {"NSM_IDLE_TIMEOUT": "30s"}), running)
    await clock.sleep(29)
    assert not running.stopping.is_set()
    await clock.sleep(2)
    assert running.stopping.is_set()


@pytest.mark.looptime
async def test_by_default_it_waits_for_ever() -> None:
    clock = LoopClock()
    running = program(clock)
    idle(load(Config, {}), running)
    await clock.sleep(1_000_000)
    assert not running.stopping.is_set()


async def test_what_cannot_be_built_is_neither_served_nor_registered(tmp_path: Path) -> None:
    async def build(config, running, needs):
        raise Invalid("no such rule")

    where = tmp_path / "listen.on"
    running = program(Clock())
    with pytest.raises(Invalid, match="no such rule"):
        await worker(build)(load(Config, {"NSM_LISTEN_ON": f"unix://{where}"}), running)
    await running.end()
    assert not where.exists()


async def test_an_endpoint_that_waits_for_its_manager_leaves_no_socket(
    launch, workload_api: str, tmp_path: Path
) -> None:
    where = tmp_path / "listen.on"
    running = await launch(
        *("nsm.components.endpoint", "icmp-responder"),
        SPIFFE_ENDPOINT_SOCKET=workload_api,
        NSM_LISTEN_ON=f"unix://{where}",
        NSM_CONNECT_TO=f"unix://{tmp_path}/no-manager",
    )
    await running.says("serving at")
    assert where.is_socket()
    assert await running.ends(signal.SIGTERM) == 0
    assert not where.exists()
