"""Files that go with an answer."""

import pytest

from nsm.api.mechanism import VXLAN, Mechanism
from nsm.elements.mechanism.send_files import SendFiles
from nsm.errors import NotFound
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder


async def test_the_answered_file_is_sent_and_called_by_its_inode(files, file) -> None:
    asked = Request(Connection("c", mechanism=file.mechanism(file.url)))
    conn = await SendFiles().bind(Recorder()).request(Lifetime(Call(files=files)).call, asked)
    assert conn.mechanism == file.mechanism(file.wire)
    assert [f"inode://{i.dev}/{i.ino}" for i in files.sent] == [file.wire]


@pytest.mark.parametrize("mechanism", [None, Mechanism(type=VXLAN)])
async def test_an_answer_without_a_file_passes(files, mechanism) -> None:
    asked = Request(Connection("c", mechanism=mechanism))
    assert (
        await SendFiles().bind(Recorder()).request(Lifetime(Call(files=files)).call, asked)
        == asked.connection
    )
    assert not files.sent


async def test_where_no_file_can_go_the_answer_passes(file) -> None:
    asked = Request(Connection("c", mechanism=file.mechanism(file.url)))
    assert await SendFiles().bind(Recorder()).request(Call(), asked) == asked.connection


async def test_a_file_that_is_gone_is_said_so_and_a_new_connection_undone(files, file) -> None:
    file.path.unlink()
    asked = Request(Connection("c", mechanism=file.mechanism(file.url)))
    end, lifetime = Recorder(), Lifetime(Call(files=files))
    with pytest.raises(NotFound, match="cannot open"):
        await SendFiles().bind(end).request(lifetime.call, asked)
    lifetime.life.last = asked.connection
    with pytest.raises(NotFound, match="cannot open"):
        await SendFiles().bind(end).request(lifetime.call, asked)
    assert end.verbs == ["request c", "close c", "request c"]
