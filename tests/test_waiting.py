import fcntl
import os
import select
import socket

import pytest

from nsm.waiting import readable

FAR = 2000
"""Above what select(2) can tell of."""


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_was_sent_can_be_read_and_nothing_can_not(pair) -> None:
    ours, theirs = pair
    assert not readable(ours, 0)
    theirs.send(b"x")
    assert readable(ours, None)


def test_an_end_is_something_to_read(pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert readable(ours, 0)


def test_a_descriptor_with_a_high_number_is_as_good_as_any(pair) -> None:
    ours, theirs = pair
    far = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, FAR)
    try:
        with pytest.raises(ValueError, match="out of range"):
            select.select([far], [], [], 0)
        assert not readable(far, 0)
        theirs.send(b"x")
        assert readable(far, 0)
    finally:
        os.close(far)
