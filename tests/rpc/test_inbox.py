"""What lies unread, and how far the peer's window opens."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid, Unreachable
from nsm.rpc.engine import STREAM_WINDOW
from nsm.rpc.inbox import STEP, Inbox


class Connection:
    def __init__(self):
        self.taken = 0
        self.opened = 0

    def took(self, size):
        self.taken += size

    def ack(self, stream_id, size):
        assert stream_id == 7
        self.opened += size


@pytest.fixture
def connection():
    return Connection()


@pytest.fixture
def inbox(connection):
    return Inbox(7, connection)


@given(st.lists(st.binary(max_size=50)), st.lists(st.integers(1, 60)))
def test_what_is_read_is_what_came_however_it_was_cut(pieces, sizes):
    async def read():
        inbox = Inbox(7, Connection())
        for piece in pieces:
            inbox.add(piece, len(piece))
        inbox.eof()
        got, whole = b"", b"".join(pieces)
        for size in sizes:
            if len(got) + size <= len(whole):
                got += await inbox.read(size)
        assert got == whole[: len(got)]

    asyncio.run(read())


async def test_a_reader_waits_for_the_whole_of_it(inbox):
    reading = asyncio.ensure_future(inbox.read(4))
    for byte in (b"a", b"b", b"c"):
        inbox.add(byte, 1)
        await asyncio.sleep(0)
        assert not reading.done()
    inbox.add(b"de", 2)
    assert await reading == b"abcd"


async def test_an_end_before_anything_is_empty_and_one_in_the_middle_a_failure(inbox):
    inbox.add(b"ab", 2)
    inbox.eof()
    with pytest.raises(Invalid, match="in the middle"):
        await inbox.read(3)
    assert await inbox.read(2) == b"ab"
    assert await inbox.read(1) == b""


async def test_a_failure_wakes_the_reader_and_what_came_before_it_is_still_read(inbox):
    inbox.add(b"ab", 2)
    reading = asyncio.ensure_future(inbox.read(3))
    await asyncio.sleep(0)
    inbox.fail(Unreachable("gone"))
    with pytest.raises(Unreachable):
        await reading
    assert await inbox.read(2) == b"ab"


async def test_the_window_of_a_stream_nobody_reads_stays_shut(inbox, connection):
    inbox.add(bytes(STREAM_WINDOW), STREAM_WINDOW)
    assert connection.opened == 0
    await inbox.read(10)
    assert connection.opened == 0
    await inbox.read(STEP)
    assert connection.opened == STEP + 10


async def test_the_window_of_a_message_that_is_waited_for_opens(inbox, connection):
    reading = asyncio.ensure_future(inbox.read(3 * STREAM_WINDOW))
    await asyncio.sleep(0)
    for _ in range(3):
        inbox.add(bytes(STREAM_WINDOW), STREAM_WINDOW)
    assert len(await reading) == 3 * STREAM_WINDOW
    assert connection.opened == 3 * STREAM_WINDOW
    assert connection.taken == 3 * STREAM_WINDOW


async def test_what_is_dropped_is_counted_as_taken(inbox, connection):
    inbox.add(b"abc", 3)
    assert inbox.unacked_size() == 0
    assert connection.taken == 3
