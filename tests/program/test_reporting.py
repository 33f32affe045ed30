"""What a program tells whoever started it arrives, whoever listens at whatever pace."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsm.program import Reporter


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as made:
        made.bind(str(tmp_path / "news"))
        yield made


@pytest.fixture
async def reporter(inbox: socket.socket):
    made = Reporter(inbox.getsockname(), "me")
    yield made
    made.close()


def heard(inbox: socket.socket) -> list[dict[str, object]]:
    """All that has come so far."""
    found = []
    while True:
        try:
            found.append(json.loads(inbox.recv(4096)))
        except BlockingIOError:
            return found


async def test_whoever_started_us_is_told_in_one_datagram(inbox, reporter) -> None:
    reporter.tell(ready=True, connection={"id": "me-0"})
    assert heard(inbox) == [{"name": "me", "ready": True, "connection": {"id": "me-0"}}]


@pytest.mark.parametrize("where", [None, "", "/no/such/folder/news", "/" + "x" * 200])
async def test_nobody_to_tell_is_no_failure(where: str | None) -> None:
    reporter = Reporter(where, "me")
    reporter.tell(ready=True)
    assert len(reporter) == 0


async def test_what_finds_no_room_is_said_when_there_is_some(inbox, reporter) -> None:
    """The kernel lets ten datagrams wait; a world of many vWires says more at once."""
    for number in range(50):
        reporter.tell(connection={"id": f"me-{number}"})
    came: list[dict[str, object]] = []
    assert len(reporter) > 0
    while len(came) < 50:
        came += heard(inbox)
        await asyncio.sleep(0)
    assert [news["connection"]["id"] for news in came] == [f"me-{n}" for n in range(50)]
    assert len(reporter) == 0


async def test_of_what_waits_the_newest_is_said(inbox, reporter) -> None:
    while not len(reporter):
        reporter.tell(ready=True)
    for state in ("connecting", "healing", "up"):
        reporter.tell(connection={"id": "me-0", "state": state})
    assert len(reporter) == 2
    came: list[dict[str, object]] = []
    while len(reporter):
        came += heard(inbox)
        await asyncio.sleep(0)
    came += heard(inbox)
    assert came[-1]["connection"] == {"id": "me-0", "state": "up"}
    assert sum("connection" in news for news in came) == 1


async def test_whoever_has_left_is_not_waited_for(inbox, reporter) -> None:
    while not len(reporter):
        reporter.tell(ready=True)
    inbox.close()
    reporter.tell(ready=True)
    assert len(reporter) == 0
