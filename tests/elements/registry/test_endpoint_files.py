"""Sockets that come and go as files."""

import asyncio
import os
import socket

import pytest

from nsm.elements.registry.endpoint_files import EndpointFiles, send_path
from nsm.errors import Invalid, NotFound, TooLate
from nsm.sdk import Call
from nsm.sdk.testing import CarriedFiles


@pytest.mark.parametrize("url", ["inode://1", "inode://a/b", "file:///x"])
async def test_what_names_no_inode_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        await EndpointFiles().receive(Call(), CarriedFiles(), url)


async def test_a_socket_travels_by_its_path_and_can_be_dialled_where_it_arrives(tmp_path) -> None:
    path = str(tmp_path / "listen.on")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        carried, files = CarriedFiles(), EndpointFiles()
        url = await files.receive(Call(), carried, send_path(carried, path))
        carried.close()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(url.removeprefix("unix://"))
        files.close(url)
        files.close(url)
        assert not len(files)
        assert files.fd(url) is None


async def test_what_is_no_socket_is_refused_and_closed(tmp_path) -> None:
    (tmp_path / "file").write_text("no socket")
    carried, files = CarriedFiles(), EndpointFiles()
    wire = send_path(carried, str(tmp_path / "file"))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Invalid, match="no socket"):
        await files.receive(Call(), carried, wire)
    assert len(os.listdir("/proc/self/fd")) == before
    carried.close()


def test_what_is_not_there_cannot_be_sent(tmp_path) -> None:
    with pytest.raises(NotFound):
        send_path(CarriedFiles(), str(tmp_path / "nothing"))


@pytest.mark.looptime
@pytest.mark.parametrize(("deadline", "waits"), [(2.0, 2), (None, 15), (1000.0, 15)])
async def test_a_file_that_never_comes_is_waited_for_within_bounds(
    deadline: float | None, waits: float
) -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(TooLate):
        await EndpointFiles().receive(Call(deadline=deadline), CarriedFiles(), "inode://1/2")
    assert loop.time() == pytest.approx(waits)
