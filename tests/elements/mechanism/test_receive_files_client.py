"""Files that come with an answer."""

from dataclasses import dataclass

import pytest

from nsm.api.mechanism import INODE_URL
from nsm.elements.mechanism.receive_files_client import ReceiveFilesClient
from nsm.elements.mechanism.send_files_client import SendFilesClient
from nsm.errors import Invalid, TooLate
from nsm.sdk import Call, Connection, Request, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import CarriedFiles, Lifetime, Recorder


@dataclass
class Onward:
    files: CarriedFiles | None


class Answering(Recorder):
    """A peer that answers with the mechanism it was told to."""

    mechanism = None

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        return Connection(request.connection.id, mechanism=self.mechanism)


@pytest.fixture
def call(files):
    return Lifetime(Call(channel=Onward(files))).call


@pytest.fixture
def end():
    class One(Answering):
        pass

    return One()


def entry(end):
    return chain(ReceiveFilesClient(LoopClock()), SendFilesClient()).bind(end)


def url(conn: Connection) -> str:
    assert conn.mechanism
    return conn.mechanism.get(INODE_URL)


async def test_the_answered_file_is_shown_by_a_path_of_ours(call, end, files, file) -> None:
    file.sent_on(files)
    type(end).mechanism = file.mechanism(file.wire)
    assert file.is_behind(url(await entry(end).request(call, Request(Connection("c")))))


async def test_a_refresh_names_the_same_path_and_opens_nothing(
    call, end, files, file, open_files
) -> None:
    file.sent_on(files)
    type(end).mechanism = file.mechanism(file.wire)
    chained = entry(end)
    first = await chained.request(call, Request(Connection("c")))
    before = open_files()
    second = await chained.request(call, Request(first))
    assert first == second
    assert open_files() == before
    assert end.requests[1].connection.mechanism == file.mechanism(file.wire)


async def test_another_file_takes_the_place_of_the_first(
    call, end, files, file, other, open_files
) -> None:
    file.sent_on(files)
    other.sent_on(files)
    type(end).mechanism = file.mechanism(file.wire)
    chained = entry(end)
    conn = await chained.request(call, Request(Connection("c")))
    before = open_files()
    type(end).mechanism = file.mechanism(other.wire)
    assert other.is_behind(url(await chained.request(call, Request(conn))))
    assert open_files() == before


async def test_a_close_lets_go(call, end, files, file, open_files) -> None:
    file.sent_on(files)
    before = open_files()
    type(end).mechanism = file.mechanism(file.wire)
    chained = entry(end)
    conn = await chained.request(call, Request(Connection("c")))
    await chained.close(call, conn)
    assert open_files() == before
    assert end.heard[-1] == ("close", Connection("c", mechanism=file.mechanism(file.wire)))


async def test_our_own_file_coming_back_is_not_waited_for(call, end, file) -> None:
    ours = file.mechanism(file.url)
    type(end).mechanism = file.mechanism(file.wire)
    conn = await entry(end).request(call, Request(Connection("c"), (ours,)))
    assert conn.mechanism == ours


@pytest.mark.looptime
async def test_a_file_that_never_comes_closes_what_the_peer_made(call, end, file) -> None:
    type(end).mechanism = file.mechanism(file.wire)
    with pytest.raises(TooLate, match=file.wire):
        await entry(end).request(call, Request(Connection("c")))
    assert end.verbs == ["request c", "close c"]


async def test_a_peer_cannot_point_us_at_a_file_of_its_choice(call, end, files, file) -> None:
    type(end).mechanism = file.mechanism(file.url)
    conn = await entry(end).request(call, Request(Connection("c")))
    assert url(conn) == ""
    await entry(end).close(call, conn)
    assert not files.sent


async def test_a_peer_that_can_send_no_files_names_none(end, file) -> None:
    type(end).mechanism = file.mechanism(file.wire)
    call = Lifetime(Call(channel=Onward(None))).call
    with pytest.raises(Invalid, match="can send no files"):
        await entry(end).request(call, Request(Connection("c")))
