"""A host that is cut off without a word, as the sockets between two hosts see it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_interface

import pytest
from tests.linux.fresh import namespace

from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddAddress, AddRoute, AddVeth, LinkEnd, SetLink
from nsm.rpc.connecting import KEEP_ALIVE, tune

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

HERE, THERE = "10.9.0.1", "10.9.0.2"
GOAL = 3.0
"""Seconds after which it is noticed; what a busy machine may take stays below what TCP took."""
PATIENCE = 15.0


@pytest.fixture
async def hosts(kernel: Kernel) -> AsyncIterator[tuple[Netns, Netns]]:
    """Two hosts and a cable."""
    here, there = namespace(), namespace()
    ends = ((here, HERE, THERE), (there, THERE, HERE))
    await kernel.apply(
        AddVeth(LinkEnd(here, "cable"), LinkEnd(there, "cable")),
        *(AddAddress(at, "cable", ip_interface(f"{own}/32")) for at, own, _ in ends),
        *(AddRoute(at, "cable", ip_interface(to).network) for at, _, to in ends),
    )
    yield here, there
    here.close()
    there.close()


@pytest.fixture
async def ends(kernel: Kernel, hosts: tuple[Netns, Netns]) -> AsyncIterator[list[socket.socket]]:
    """Both ends of a connection between them, as ours are."""

    def listen() -> socket.socket:
        listening = socket.create_server((THERE, 5001))
        listening.setblocking(False)
        return listening

    def connect() -> socket.socket:
        return socket.create_connection((THERE, 5001), 5)

    listening = await kernel.inside(hosts[1], listen)
    near = await kernel.inside(hosts[0], connect)
    with listening, near:
        far, _ = await asyncio.get_running_loop().sock_accept(listening)
        with far:
            for one in (near, far):
                one.setblocking(False)
                tune(one)
            yield [near, far]


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "sending"])
async def test_a_host_that_is_cut_off_is_noticed(kernel, hosts, ends, idle) -> None:
    loop = asyncio.get_running_loop()
    await kernel.apply(SetLink(hosts[1], "cable", up=False))
    if not idle:
        await loop.sock_sendall(ends[0], b"are you there?")
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(OSError, match=r"timed out|route|unreachable"):
            await loop.sock_recv(ends[0], 1)


@pytest.mark.slow
async def test_a_program_that_does_not_read_is_not_taken_for_a_host_that_is_gone(ends) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(ends[0], bytes(4096))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(GOAL + 1):
            await loop.sock_recv(ends[0], 1)
    assert len(await loop.sock_recv(ends[1], 8192)) == 4096


def test_the_kernel_is_told_to_notice_within_the_goal() -> None:
    """Probes go out once a second, and what ends a connection is looked at when one does."""
    every = KEEP_ALIVE[socket.TCP_KEEPINTVL]
    silent = KEEP_ALIVE[socket.TCP_USER_TIMEOUT] / 1000
    looks = -(-silent // every) * every
    assert KEEP_ALIVE[socket.TCP_KEEPIDLE] <= every
    assert silent < looks <= GOAL
