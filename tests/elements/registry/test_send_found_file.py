"""Send whoever finds a local endpoint the socket it listens at."""

import os
import socket

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import EndpointFiles, SendFoundFile
from nsm.elements.registry.endpoint_files import send
from nsm.sdk import Call, Peer
from nsm.sdk.testing import CarriedFiles
from nsm.sdk.testing.recording_registry import RecordingRegistry

FORWARDER = Peer("spiffe://test/forwarder")
MANAGER = "tcp://10.0.0.1:5001"


async def found(
    files: EndpointFiles, url: str, to: CarriedFiles | None, by: Peer | None = FORWARDER
) -> str:
    end = RecordingRegistry[Endpoint](Answer(Endpoint(name="e", url=url)))
    registry = SendFoundFile(files, lambda id: id == FORWARDER.id, MANAGER).bind(end)
    answer = await anext(registry.find(Call(peer=by, files=to), Query(Endpoint())))
    return answer.record.url


async def test_a_socket_we_were_given_is_sent_on_and_named_by_its_inode() -> None:
    given, asked, files = CarriedFiles(), CarriedFiles(), EndpointFiles()
    with socket.socket(socket.AF_UNIX) as nse:
        ours = await files.receive(Call(), given, send(given, nse.fileno()))
        known = os.fstat(nse.fileno())
        assert await found(files, ours, asked) == f"inode://{known.st_dev}/{known.st_ino}"
        assert asked.sent == [(known.st_dev, known.st_ino)]
        assert await found(files, ours, None) == ours
        assert await found(files, ours, asked, None) == ours
        assert await found(files, ours, asked, Peer("spiffe://test/web")) == MANAGER
        assert len(asked.sent) == 1
    for carried in (given, asked):
        carried.close()
    files.close(ours)


@pytest.mark.parametrize("url", ["unix:///var/run/docker.sock", "tcp://10.0.0.1:5001", ""])
async def test_nothing_else_leaves_whatever_a_record_says(url: str) -> None:
    asked = CarriedFiles()
    assert await found(EndpointFiles(), url, asked) == url
    assert asked.sent == []


async def test_a_path_to_one_of_our_descriptors_is_not_one_we_were_given() -> None:
    asked = CarriedFiles()
    with socket.socket(socket.AF_UNIX) as secret:
        url = f"unix:///proc/{os.getpid()}/fd/{secret.fileno()}"
        assert await found(EndpointFiles(), url, asked) == url
    assert asked.sent == []
