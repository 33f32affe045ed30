"""What is kept of received files, and for how long, in virtual time and without a socket."""

import asyncio
import os

import pytest

from nsm.errors import Exhausted, Unreachable
from nsm.rpc import fds
from nsm.rpc.fds import Budget, SocketFiles, inode_of
from nsm.sdk.clock import LoopClock
from nsm.sdk.files import Inode


def new_file(path):
    return os.open(path, os.O_CREAT | os.O_RDWR)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.fixture
async def files():
    made = SocketFiles(LoopClock(), Budget(10))
    yield made
    made.close()


@pytest.mark.looptime
async def test_a_file_is_handed_out_as_often_as_it_is_asked_for(files, path):
    fd = new_file(path)
    inode = inode_of(fd)
    files.arrived(fd)
    one, two = await files.receive(inode), await files.receive(inode)
    assert len({fd, one, two}) == 3
    assert inode_of(one) == inode_of(two) == inode
    os.close(one)
    os.close(two)


@pytest.mark.looptime
async def test_who_asks_too_early_waits(files, path):
    fd = new_file(path)
    waiting = asyncio.ensure_future(files.receive(inode_of(fd)))
    await asyncio.sleep(3)
    assert not waiting.done()
    files.arrived(fd)
    os.close(await waiting)


@pytest.mark.looptime
async def test_who_stops_waiting_leaves_nothing_behind(files):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(files.receive(Inode(1, 2)), 1)
    assert not files._waiting


@pytest.mark.looptime
@pytest.mark.parametrize("claimed", [True, False])
async def test_a_file_is_closed_when_its_grace_is_over(files, path, claimed):
    fd = new_file(path)
    inode = inode_of(fd)
    files.arrived(fd)
    if claimed:
        os.close(await files.receive(inode))
    await asyncio.sleep(fds.GRACE - 0.1)
    assert len(files) == 1
    await asyncio.sleep(0.2)
    assert len(files) == 0
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


@pytest.mark.looptime
async def test_a_file_that_comes_again_is_kept_longer_and_not_twice(files, path):
    fd = new_file(path)
    files.arrived(fd)
    await asyncio.sleep(10)
    again = os.dup(fd)
    files.arrived(again)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(again)
    await asyncio.sleep(10)
    assert len(files) == 1
    await asyncio.sleep(6)
    assert len(files) == 0


@pytest.mark.looptime
async def test_claimed_files_make_room_and_unclaimed_ones_end_it(path, tmp_path):
    budget = Budget(3)
    files = SocketFiles(LoopClock(), budget)
    made = [new_file(tmp_path / str(n)) for n in range(5)]
    for fd in made[:3]:
        files.arrived(fd)
    os.close(await files.receive(inode_of(made[1])))
    files.arrived(made[3])
    assert len(files) == 3
    with pytest.raises(Exhausted, match="nobody asked for"):
        files.arrived(made[4])
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(made[4])
    files.close()
    assert budget.left == 3


async def test_close_closes_what_waits_to_leave_too(files, path):
    read, write = os.pipe()
    files.send(write)
    os.close(write)
    files.close()
    assert os.read(read, 1) == b""
    os.close(read)
    with pytest.raises(Unreachable):
        files.send(0)


async def test_a_queue_that_does_not_leave_is_bounded(files):
    for _ in range(fds.MOST_UNSENT):
        files.outgoing.append(os.dup(0))
    with pytest.raises(Exhausted):
        files.send(0)
