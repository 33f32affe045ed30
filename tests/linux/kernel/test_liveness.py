"""Echoes through real interfaces."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import ip_interface

import pytest
from tests.linux.fresh import namespace

from nsm.api.connection import Connection
from nsm.api.context import IpContext
from nsm.api.mechanism import KERNEL, NAME, Mechanism
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddAddress, AddRoute, AddVeth, DelAddress, LinkEnd, SetLink
from nsm.elements.liveness import CheckLiveness

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

NEAR = ("10.9.0.1/32", "fd99::1/128")
FAR = ("10.9.0.2/32", "fd99::2/128")
CONN = Connection("c", mechanism=Mechanism(type=KERNEL, parameters={NAME: "nsm-1"})).with_ip(
    IpContext(NEAR, FAR)
)


STARTS = {"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}
"""What the interpreter says of whoever starts a process."""


@contextmanager
def processes_started() -> Iterator[list[str]]:
    """How processes were started meanwhile; a hook stays for good, and then hears nothing."""
    seen: list[str] = []
    listening = True
    sys.addaudithook(lambda event, _: seen.append(event) if listening and event in STARTS else None)
    yield seen
    listening = False


@pytest.fixture
async def joined(kernel: Kernel) -> AsyncIterator[tuple[Netns, Netns]]:
    near, far = namespace(), namespace()
    ends = ((near, "nsm-1", NEAR, FAR), (far, "vpn-1", FAR, NEAR))
    await kernel.apply(
        AddVeth(LinkEnd(near, "nsm-1"), LinkEnd(far, "vpn-1")),
        *(AddAddress(ns, name, ip_interface(a)) for ns, name, own, _ in ends for a in own),
        *(AddRoute(ns, name, ip_interface(a).network) for ns, name, _, to in ends for a in to),
    )
    yield near, far
    near.close()
    far.close()


async def test_a_vwire_that_carries_both_families_is_alive_and_soon_said_to_be(
    kernel, joined
) -> None:
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make))
    began = asyncio.get_running_loop().time()
    assert await check(CONN)
    assert asyncio.get_running_loop().time() - began < 0.5


async def test_one_whose_far_end_is_down_is_not(kernel, joined) -> None:
    await kernel.apply(SetLink(joined[1], "vpn-1", up=False))
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make), within=0.2)
    assert not await check(CONN)


@pytest.mark.parametrize("lost", FAR, ids=["IPv4", "IPv6"])
async def test_one_of_whose_families_is_silent_is_not(kernel, joined, lost) -> None:
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make), within=1)
    async with asyncio.timeout(10):  # a kernel may take a second to notice that a cable is in
        while not await check(CONN):
            pass
    await kernel.apply(DelAddress(joined[1], "vpn-1", ip_interface(lost)))
    assert not await check(CONN)


async def test_one_whose_interface_is_gone_is_not(kernel, joined) -> None:
    elsewhere = CONN.mechanism.having(name="nsm-2")
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make), within=0.2)
    conn = Connection("c", mechanism=elsewhere).with_ip(CONN.ip)
    assert not await check(conn)


async def test_one_that_has_other_addresses_now_was_moved(kernel, joined) -> None:
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make), within=0.2)
    assert not await check.was_moved(CONN)
    await kernel.apply(*(DelAddress(joined[0], "nsm-1", ip_interface(text)) for text in NEAR))
    await kernel.apply(AddAddress(joined[0], "nsm-1", ip_interface("10.99.0.1/32")))
    assert await check.was_moved(CONN)
    gone = Connection("c", mechanism=CONN.mechanism.having(name="nsm-2")).with_ip(CONN.ip)
    assert not await check.was_moved(gone)


async def test_it_starts_no_process(kernel, joined) -> None:
    check = CheckLiveness(lambda make: kernel.inside(joined[0], make))
    with processes_started() as started:
        assert await check(CONN)
    assert started == []
    with processes_started() as started:
        await asyncio.to_thread(subprocess.run, ["true"], check=True)
    assert started, "one would be heard of"
