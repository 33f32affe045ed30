"""Send the socket we listen at along with its registration."""

import os
import socket
from dataclasses import dataclass, replace

import pytest

from nsm.api.registration import Endpoint
from nsm.elements.registry import SendEndpointFile
from nsm.errors import NotFound
from nsm.sdk import Call
from nsm.sdk.testing import CarriedFiles
from nsm.sdk.testing.recording_registry import RecordingRegistry


@dataclass
class FakeChannel:
    files: CarriedFiles | None


async def test_the_socket_goes_along_each_time_and_its_url_comes_back(tmp_path) -> None:
    path, carried = str(tmp_path / "nse.sock"), CarriedFiles()
    end = RecordingRegistry[Endpoint]()
    registry = SendEndpointFile().bind(end)
    call, nse = Call(channel=FakeChannel(carried)), Endpoint(name="e", url=f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert await registry.register(call, nse) == nse
        assert await registry.register(call, nse) == nse
        await registry.unregister(call, nse)
    known = os.stat(path)
    wire = replace(nse, url=f"inode://{known.st_dev}/{known.st_ino}")
    assert end.heard == [("register", wire), ("register", wire), ("unregister", wire)]
    assert carried.sent == [(known.st_dev, known.st_ino)] * 3
    carried.close()


@pytest.mark.parametrize(
    ("url", "files"), [("tcp://10.0.0.1:5", CarriedFiles), ("unix:///x", lambda: None)]
)
async def test_what_is_no_socket_or_cannot_travel_is_said_as_it_is(url: str, files) -> None:
    end = RecordingRegistry[Endpoint]()
    nse = Endpoint(name="e", url=url)
    call = Call(channel=FakeChannel(files()))
    assert await SendEndpointFile().bind(end).register(call, nse) == nse
    assert end.heard == [("register", nse)]


async def test_a_socket_that_is_not_there_is_said(tmp_path) -> None:
    end = RecordingRegistry[Endpoint]()
    nse = Endpoint(name="e", url=f"unix://{tmp_path}/nothing")
    with pytest.raises(NotFound, match="listen there first"):
        await SendEndpointFile().bind(end).register(Call(channel=FakeChannel(CarriedFiles())), nse)
    assert end.heard == []
