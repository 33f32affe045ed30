"""Namespaces of a world, in the real kernel."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE

import pytest

from nsm.dataplane.netns import Netns
from nsm.world import procfs
from nsm.world.ground import Home
from nsm.world.namespaces import Namespaces
from nsm.world.ping import Course, Summary, ping
from nsm.world.plan import Plan
from nsm.world.planning import plan
from nsm.world.spec_read import read
from nsm.world.sweep import mounts_under, sweep

pytestmark = pytest.mark.linux
TEXT = """
nodes: [a, b]
endpoints: {gw: {node: b, serves: s, run: firewall}}
workloads: {near: {node: b, wants: kernel://s}, far: {node: a, wants: kernel://s}}
"""


@pytest.fixture
def planned(home: Home) -> Plan:
    return plan(read(TEXT, Path("lab.yaml")), home, Path("/"), {})


@pytest.fixture
async def spaces(home: Home, planned: Plan) -> AsyncIterator[Namespaces]:
    spaces = Namespaces(home, planned.namespaces)
    await spaces.build()
    yield spaces
    spaces.close()


def reaches(home: Home, planned: Plan, there: str, other: str) -> bool:
    """Whether an echo comes back of a few, the first of which may have nobody to answer it yet."""
    target = next(space.address for space in planned.namespaces if space.name == other)
    assert target
    courses = (
        Course(netns=home.namespace(there), address=str(one.ip), count=5, interval=0.2)
        for one in target
    )
    return all(Summary.of([*ping(course)]).received for course in courses)


def inside(home: Home, name: str, *words: str, room: str = "") -> str:
    mount = [f"--mount={room}"] if room else []
    command = ["nsenter", f"--net={home.namespace(name)}", *mount, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def test_workloads_reach_their_node_and_through_it_each_other(
    home: Home, planned: Plan, spaces: Namespaces
) -> None:
    for other in ("a", "near", "gw"):
        assert await asyncio.to_thread(reaches, home, planned, "far", other), other


async def test_the_host_is_untouched_and_not_reached(home: Home, planned: Plan) -> None:
    before = host()
    spaces = Namespaces(home, planned.namespaces)
    await spaces.build()
    assert host() == before
    spaces.close()


async def test_a_workload_has_a_resolv_conf_and_interfaces_of_its_own(
    home: Home, spaces: Namespaces
) -> None:
    (home.etc("far") / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    room = spaces.room("far")
    assert inside(home, "far", "cat", "/etc/resolv.conf", room=room) == "nameserver 127.0.0.1\n"
    assert inside(home, "far", "ls", "/sys/class/net", room=room).split() == ["eth0", "lo"]
    assert b"127.0.0.1" not in host()[1]


async def test_a_namespace_that_was_taken_away_is_gone_and_comes_back(
    home: Home, planned: Plan, spaces: Namespaces
) -> None:
    before = home.namespace("far").stat().st_ino
    await spaces.remove("far")
    assert not spaces.exists("far")
    assert before not in {inode for _, inode in every_namespace()}
    await spaces.make(["far"])
    assert home.namespace("far").stat().st_ino != before
    assert await asyncio.to_thread(reaches, home, planned, "far", "gw")


async def test_a_node_that_was_taken_away_takes_its_pods_back(
    home: Home, planned: Plan, spaces: Namespaces
) -> None:
    await spaces.remove("b")
    assert not await asyncio.to_thread(reaches, home, planned, "far", "gw")
    await spaces.make(["b"])
    assert await asyncio.to_thread(reaches, home, planned, "far", "gw")
    assert await asyncio.to_thread(reaches, home, planned, "near", "far")


async def test_somebody_elses_namespace_survives_being_attached_and_swept(
    home: Home, spaces: Namespaces
) -> None:
    other = await asyncio.to_thread(stranger, "unshare", "--net")
    try:
        spaces.adopt("attach-1", f"/proc/{other.pid}/ns/net")
        assert Netns.open(str(spaces.path("attach-1"))) == Netns.open(f"/proc/{other.pid}/ns/net")
        sweep(home)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_a_sweep_leaves_nothing_and_may_come_twice(home: Home, spaces: Namespaces) -> None:
    other = await asyncio.to_thread(stranger, "nsenter", f"--net={home.namespace('far')}")
    sweep(home)
    assert other.wait(5) == -9
    assert not home.root.exists()
    assert not mounts_under(home.base)
    sweep(home)


async def test_a_world_of_two_nodes_is_made_in_well_under_a_second(
    home: Home, planned: Plan
) -> None:
    spaces = Namespaces(home, planned.namespaces)
    began = time.monotonic()
    await spaces.build()
    took = time.monotonic() - began
    spaces.close()
    assert took < 5  # 0.045 on a quiet machine; this only catches what hangs


def every_namespace() -> set[tuple[int, int]]:
    found = {procfs.namespace(pid) for pid in procfs.pids()}
    return {one for one in found if one}


def host() -> tuple[list[str], bytes, list[str]]:
    """What of the host a world may not touch: interfaces, name service, mounts over it."""
    interfaces = Path("/proc/net/dev").read_text().splitlines()[2:]
    names = [line.partition(":")[0].strip() for line in interfaces]
    return names, Path("/etc/resolv.conf").read_bytes(), mounts_under(Path("/etc"))


def stranger(*words: str) -> "subprocess.Popen[bytes]":
    """A process that is no part of the mesh, once it stands where `words` put it."""
    process = subprocess.Popen([*words, "sh", "-c", "echo there; exec sleep 60"], stdout=PIPE)
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == b"there\n"
    return process
