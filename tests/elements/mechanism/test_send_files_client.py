"""Files that go with a request."""

from dataclasses import dataclass

import pytest

from nsm.elements.mechanism.send_files_client import SendFilesClient
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import CarriedFiles, Recorder


@dataclass
class Onward:
    files: CarriedFiles | None


@pytest.fixture
def call(files):
    return Call(channel=Onward(files))


async def test_each_named_file_is_sent_once_and_called_by_its_inode(
    call, files, file, other
) -> None:
    end = Recorder()
    ours, theirs = file.mechanism(file.url), other.mechanism(other.url)
    asked = Request(Connection("c", mechanism=ours), (ours, theirs))
    await SendFilesClient().bind(end).request(call, asked)
    said = end.requests[0]
    assert said.connection.mechanism == file.mechanism(file.wire)
    assert said.preferences == (file.mechanism(file.wire), other.mechanism(other.wire))
    assert [f"inode://{i.dev}/{i.ino}" for i in files.sent] == [file.wire, other.wire]


async def test_the_answer_names_our_file_as_we_do(call, file) -> None:
    asked = Request(Connection("c", mechanism=file.mechanism(file.url)))
    conn = await SendFilesClient().bind(Recorder()).request(call, asked)
    assert conn == asked.connection


async def test_a_refresh_and_a_close_send_it_again(call, files, file) -> None:
    end = Recorder()
    entry = SendFilesClient().bind(end)
    conn = await entry.request(call, Request(Connection("c", mechanism=file.mechanism(file.url))))
    await entry.request(call, Request(conn))
    await entry.close(call, conn)
    assert len(files.sent) == 3
    assert end.heard[-1] == ("close", Connection("c", mechanism=file.mechanism(file.wire)))


async def test_where_no_file_can_go_everything_passes(file) -> None:
    end, call = Recorder(), Call(channel=Onward(None))
    asked = Request(Connection("c", mechanism=file.mechanism(file.url)))
    entry = SendFilesClient().bind(end)
    assert await entry.request(call, asked) == asked.connection
    await entry.close(call, asked.connection)
    assert [conn for _, conn in end.heard] == [asked.connection, asked.connection]


@pytest.mark.parametrize("able", [True, False])
async def test_a_path_the_peer_made_up_is_dropped_from_its_answer(
    files, file, able, caplog
) -> None:
    class Spy(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            return Connection("c", mechanism=file.mechanism("file:///etc/shadow"))

    call = Call(channel=Onward(files if able else None))
    conn = await SendFilesClient().bind(Spy()).request(call, Request(Connection("c")))
    assert conn.mechanism == file.mechanism("").without("inodeURL")
    assert "not the peer's to name" in caplog.text
