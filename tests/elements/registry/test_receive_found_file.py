"""Take the sockets of local endpoints that the manager found."""

import asyncio
import os
import socket
from dataclasses import dataclass

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import EndpointFiles, ReceiveFoundFile
from nsm.elements.registry.endpoint_files import send
from nsm.elements.registry.receive_found_file import LOOK
from nsm.sdk import Call
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import CarriedFiles
from nsm.sdk.testing.recording_registry import RecordingRegistry


@dataclass
class FakeChannel:
    files: CarriedFiles | None


class Scene:
    """A few sockets at the manager's, and a forwarder that finds them."""

    def __init__(self, most: int, clock: LoopClock) -> None:
        self.carried, self.files = CarriedFiles(), EndpointFiles()
        self.sockets = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        self.urls = [send(self.carried, one.fileno()) for one in self.sockets]
        self.end = RecordingRegistry[Endpoint]()
        self.registry = ReceiveFoundFile(self.files, clock, most).bind(self.end)
        self.channel = FakeChannel(self.carried)

    async def find(self, *urls: str, deleted: bool = False) -> list[str]:
        self.end.found = [Answer(Endpoint(name="e", url=url), deleted) for url in urls]
        call = Call(channel=self.channel)
        return [a.record.url async for a in self.registry.find(call, Query(Endpoint()))]

    def close(self) -> None:
        self.carried.close()
        for one in self.sockets:
            one.close()


@pytest.fixture
def scene(clock):
    scene = Scene(2, clock)
    yield scene
    scene.close()


async def test_an_inode_found_is_a_path_here(scene: Scene) -> None:
    (path,) = await scene.find(scene.urls[0])
    fd = scene.files.fd(path)
    assert fd is not None
    assert os.fstat(fd) == os.fstat(scene.sockets[0].fileno())


async def test_the_same_inode_is_the_same_path(scene: Scene) -> None:
    first, second = await scene.find(scene.urls[0], scene.urls[0])
    assert first == second == (await scene.find(scene.urls[0]))[0]
    assert len(scene.files) == 1


async def test_what_was_found_longest_ago_is_let_go(scene: Scene) -> None:
    a, b = await scene.find(scene.urls[0], scene.urls[1])
    await scene.find(scene.urls[0])
    await scene.find(scene.urls[2])
    assert scene.files.fd(a) is not None
    assert scene.files.fd(b) is None
    assert len(scene.files) == 2


async def test_what_is_gone_is_not_waited_for(scene: Scene) -> None:
    assert await scene.find("inode://1/2", deleted=True) == ["inode://1/2"]
    (path,) = await scene.find(scene.urls[0])
    assert await scene.find(scene.urls[0], deleted=True) == [path]


async def test_other_urls_and_other_channels_are_left_alone(scene: Scene) -> None:
    assert await scene.find("tcp://10.0.0.1:5001") == ["tcp://10.0.0.1:5001"]
    scene.channel = FakeChannel(None)
    assert await scene.find(scene.urls[0]) == [scene.urls[0]]


@pytest.mark.looptime
async def test_a_socket_that_stands_nowhere_any_more_is_let_go(scene: Scene, tmp_path) -> None:
    path = str(tmp_path / "listen.on")
    scene.sockets[3].bind(path)
    fd = os.open(path, os.O_PATH)
    url = send(scene.carried, fd)
    os.close(fd)
    gone, kept = await scene.find(url, scene.urls[0])
    os.unlink(path)
    await asyncio.sleep(LOOK + 0.1)
    assert scene.files.fd(gone) is None
    await asyncio.sleep(LOOK)
    assert scene.files.fd(kept) is not None


async def test_one_that_is_gone_makes_room_for_the_next(scene: Scene, tmp_path) -> None:
    path = str(tmp_path / "listen.on")
    scene.sockets[3].bind(path)
    fd = os.open(path, os.O_PATH)
    url = send(scene.carried, fd)
    os.close(fd)
    (kept,) = await scene.find(scene.urls[0])
    await scene.find(url)
    os.unlink(path)
    await scene.find(scene.urls[1])
    assert scene.files.fd(kept) is not None, "the one that is gone went, and not the oldest"
