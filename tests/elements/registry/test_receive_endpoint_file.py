"""Take the socket that a local endpoint sends in place of an address."""

import os
import socket
from dataclasses import replace

import pytest

from nsm.api.registration import Endpoint
from nsm.elements.registry import BeginRegistration, EndpointFiles, ReceiveEndpointFile
from nsm.elements.registry.endpoint_files import send
from nsm.errors import Denied, Invalid
from nsm.sdk import Call, registry_chain
from nsm.sdk.testing import CarriedFiles
from nsm.sdk.testing.recording_registry import RecordingRegistry


class Scene:
    """An endpoint's two sockets, and a manager's end that takes them."""

    def __init__(self, clock, tasks) -> None:
        self.sockets = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        self.carried, self.files = CarriedFiles(), EndpointFiles()
        self.end = RecordingRegistry[Endpoint]()
        begin = BeginRegistration[Endpoint](tasks, clock)
        receive = ReceiveEndpointFile(self.files)
        self.registry = registry_chain(begin, receive).bind(self.end)
        self.call = Call(files=self.carried)

    def nse(self, which: int = 0) -> Endpoint:
        return Endpoint(name="e", url=send(self.carried, self.sockets[which].fileno()))

    @property
    def seen(self) -> str:
        return self.end.heard[-1][1].url

    def close(self) -> None:
        self.carried.close()
        for one in self.sockets:
            one.close()


@pytest.fixture
def scene(clock, tasks):
    scene = Scene(clock, tasks)
    yield scene
    scene.close()


async def test_what_follows_sees_a_path_and_the_registrant_its_own_url(scene: Scene) -> None:
    nse = scene.nse()
    assert await scene.registry.register(scene.call, nse) == nse
    assert scene.seen.startswith(f"unix:///proc/{os.getpid()}/fd/")
    fd = scene.files.fd(scene.seen)
    assert fd is not None
    assert os.fstat(fd) == os.fstat(scene.sockets[0].fileno())


async def test_the_same_file_again_is_the_same_path(scene: Scene) -> None:
    nse = scene.nse()
    await scene.registry.register(scene.call, nse)
    first = scene.seen
    scene.carried.close()  # it need not come again
    await scene.registry.register(scene.call, nse)
    assert scene.seen == first
    assert len(scene.files) == 1


async def test_another_file_takes_its_place(scene: Scene) -> None:
    await scene.registry.register(scene.call, scene.nse(0))
    first = scene.seen
    await scene.registry.register(scene.call, scene.nse(1))
    assert scene.seen != first
    assert scene.files.fd(first) is None
    assert len(scene.files) == 1


async def test_unregistering_closes_the_file(scene: Scene) -> None:
    await scene.registry.register(scene.call, scene.nse())
    path = scene.seen
    await scene.registry.unregister(Call(), Endpoint(name="e"))
    assert scene.seen == path
    assert not len(scene.files)


async def test_unregistering_that_fails_closes_it_too(scene: Scene) -> None:
    await scene.registry.register(scene.call, scene.nse())
    scene.end.failing = [Denied("no")]
    with pytest.raises(Denied):
        await scene.registry.unregister(Call(), Endpoint(name="e"))
    assert not len(scene.files)


async def test_a_first_registration_that_fails_keeps_no_file(scene: Scene) -> None:
    scene.end.failing = [Denied("no")]
    with pytest.raises(Denied):
        await scene.registry.register(scene.call, scene.nse())
    assert not len(scene.files)


async def test_a_refresh_that_fails_keeps_the_file_that_was_there(scene: Scene) -> None:
    await scene.registry.register(scene.call, scene.nse(0))
    first = scene.seen
    scene.end.failing = [Denied("no")]
    with pytest.raises(Denied):
        await scene.registry.register(scene.call, scene.nse(1))
    assert scene.files.fd(first) is not None
    assert len(scene.files) == 1


async def test_a_peer_that_can_send_no_files_cannot_name_any(scene: Scene) -> None:
    with pytest.raises(Invalid, match="unix socket"):
        await scene.registry.register(Call(), scene.nse())
    assert scene.end.heard == []


@pytest.mark.parametrize("url", ["tcp://10.0.0.1:5", "unix:///e.sock", ""])
async def test_other_urls_are_left_alone(scene: Scene, url: str) -> None:
    await scene.registry.register(scene.call, scene.nse())
    plain = replace(scene.nse(), url=url)
    assert await scene.registry.register(scene.call, plain) == plain
    assert scene.seen == url
    assert not len(scene.files)
