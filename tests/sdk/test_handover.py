import asyncio
import os
from collections.abc import Iterator

import pytest

from nsm.errors import Exhausted, Unreachable
from nsm.sdk.clock import LoopClock
from nsm.sdk.files import Inode
from nsm.sdk.handover import KEPT, Handover

pytestmark = pytest.mark.looptime


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def null() -> Iterator[int]:
    fd = os.open("/dev/null", os.O_RDONLY)
    yield fd
    os.close(fd)


def inode(fd: int) -> Inode:
    return Inode(os.fstat(fd).st_dev, os.fstat(fd).st_ino)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_file_sent_at_one_end_is_received_at_the_other(pipe: tuple[int, int]) -> None:
    handover = Handover(LoopClock())
    sent = handover.near.send(pipe[1])
    received = await handover.far.receive(sent)
    assert received not in pipe
    os.write(received, b"hello")
    os.close(received)
    assert os.read(pipe[0], 5) == b"hello"
    handover.close()


async def test_a_receiver_waits_for_its_file_and_for_no_other(
    pipe: tuple[int, int], null: int
) -> None:
    handover = Handover(LoopClock())
    waiting = asyncio.create_task(handover.near.receive(inode(pipe[0])))
    await asyncio.sleep(1)
    handover.far.send(null)
    await asyncio.sleep(1)
    assert not waiting.done()
    handover.far.send(pipe[0])
    os.close(await waiting)
    handover.close()


async def test_two_may_receive_what_was_sent_once(pipe: tuple[int, int]) -> None:
    handover = Handover(LoopClock())
    sent = handover.near.send(pipe[0])
    for _ in range(2):
        os.close(await handover.far.receive(sent))
    handover.close()


async def test_what_nobody_claims_is_closed_after_a_while(pipe: tuple[int, int]) -> None:
    before = open_files()
    handover = Handover(LoopClock())
    handover.near.send(pipe[0])
    handover.near.send(pipe[0])
    assert open_files() == before + 1
    await asyncio.sleep(KEPT + 1)
    assert open_files() == before


async def test_whoever_waits_is_told_when_the_sender_leaves(
    pipe: tuple[int, int], null: int
) -> None:
    before = open_files()
    handover = Handover(LoopClock())
    handover.near.send(null)
    waiting = asyncio.create_task(handover.far.receive(inode(pipe[0])))
    await asyncio.sleep(1)
    handover.close()
    with pytest.raises(Unreachable):
        await waiting
    with pytest.raises(Unreachable):
        handover.near.send(pipe[0])
    assert open_files() == before


async def test_a_flood_of_files_is_refused(pipe: tuple[int, int], null: int) -> None:
    handover = Handover(LoopClock(), most=1)
    handover.near.send(null)
    handover.near.send(null)
    with pytest.raises(Exhausted):
        handover.near.send(pipe[0])
    handover.close()
