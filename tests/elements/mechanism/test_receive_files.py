"""Files that come with a request."""

import pytest

from nsm.api.mechanism import INODE_URL, LOCAL, VXLAN, Mechanism
from nsm.elements.mechanism.file_urls import MOST_FILES, PATIENCE
from nsm.elements.mechanism.receive_files import ReceiveFiles
from nsm.elements.mechanism.select_mechanism import SelectMechanism
from nsm.errors import Denied, Exhausted, Invalid, TooLate
from nsm.sdk import Call, Connection, Request, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, Recorder


@pytest.fixture
def call(files):
    return Lifetime(Call(files=files)).call


def entry(end):
    return chain(ReceiveFiles(LoopClock()), SelectMechanism({"KERNEL": chain()})).bind(end)


async def test_what_follows_sees_a_path_and_the_caller_its_own_name(call, files, file) -> None:
    file.sent_on(files)
    end = Recorder()
    asked = Request(Connection("c"), (file.mechanism(file.wire),))
    conn = await entry(end).request(call, asked)
    assert file.is_behind(end.requests[0].connection.mechanism.get(INODE_URL))
    assert conn.mechanism == file.mechanism(file.wire)


async def test_a_refresh_receives_nothing_anew(call, files, file) -> None:
    file.sent_on(files)
    end = Recorder()
    chained = entry(end)
    conn = await chained.request(call, Request(Connection("c"), (file.mechanism(file.wire),)))
    files.close()
    await chained.request(call, Request(conn))
    first, second = (r.connection.mechanism for r in end.requests)
    assert first == second


async def test_what_was_offered_in_vain_is_closed_at_once_and_the_rest_at_close(
    call, files, file, other, open_files
) -> None:
    file.sent_on(files)
    other.sent_on(files)
    before, end = open_files(), Recorder()
    chained = entry(end)
    offers = (file.mechanism(file.wire), other.mechanism(other.wire))
    conn = await chained.request(call, Request(Connection("c"), offers))
    assert open_files() == before + 1
    await chained.close(call, conn)
    assert open_files() == before
    assert end.heard[-1][1].mechanism.get(INODE_URL).startswith("file:///proc/")


async def test_a_failure_further_on_closes_what_came(call, files, file, open_files) -> None:
    file.sent_on(files)
    before = open_files()
    end = Recorder(failing=Exhausted("no room"))
    with pytest.raises(Exhausted):
        await entry(end).request(call, Request(Connection("c"), (file.mechanism(file.wire),)))
    assert open_files() == before


async def test_a_failed_refresh_keeps_what_stands(call, files, file, other, open_files) -> None:
    file.sent_on(files)
    other.sent_on(files)
    end = Recorder()
    chained = entry(end)
    conn = await chained.request(call, Request(Connection("c"), (file.mechanism(file.wire),)))
    before, end.failing = open_files(), Exhausted("no room")
    with pytest.raises(Exhausted):
        await chained.request(call, Request(conn, (other.mechanism(other.wire),)))
    assert open_files() == before


async def test_a_life_forgotten_without_a_close_holds_no_file(files, file, open_files) -> None:
    file.sent_on(files)
    before, lifetime = open_files(), Lifetime(Call(files=files))
    await entry(Recorder()).request(
        lifetime.call, Request(Connection("c"), (file.mechanism(file.wire),))
    )
    lifetime.life.slots.clear()
    assert open_files() == before


@pytest.mark.looptime
@pytest.mark.parametrize(("deadline", "waited"), [(None, PATIENCE), (2.0, 2.0), (60.0, PATIENCE)])
async def test_a_file_that_never_comes_is_waited_for_no_longer_than_the_caller(
    files, file, deadline, waited
) -> None:
    clock = LoopClock()
    start = clock.ticks()
    call = Lifetime(Call(files=files, deadline=deadline and start + deadline)).call
    with pytest.raises(TooLate, match=file.wire):
        await entry(Recorder()).request(
            call, Request(Connection("c"), (file.mechanism(file.wire),))
        )
    assert clock.ticks() - start == pytest.approx(waited)


@pytest.mark.parametrize(
    "url", ["file:///proc/1/ns/net", "inode://4", "inode://4/x", "/proc/1/ns/net", "inode://-1/2"]
)
async def test_a_caller_cannot_point_us_at_a_file_of_its_choice(call, file, url) -> None:
    end = Recorder()
    with pytest.raises(Invalid):
        await entry(end).request(call, Request(Connection("c"), (file.mechanism(url),)))
    assert not end.heard


async def test_a_caller_without_files_cannot_name_one(file) -> None:
    with pytest.raises(Invalid, match="can send no files"):
        await entry(Recorder()).request(
            Lifetime().call, Request(Connection("c", mechanism=file.mechanism(file.wire)))
        )


async def test_a_caller_without_files_asks_for_what_needs_none() -> None:
    end = Recorder()
    asked = Request(Connection("c", mechanism=Mechanism(LOCAL, VXLAN)))
    await ReceiveFiles(LoopClock()).bind(end).request(Lifetime().call, asked)
    assert end.requests == [asked]


async def test_a_flood_of_files_is_refused(call, file) -> None:
    offers = tuple(file.mechanism(f"inode://1/{n}") for n in range(MOST_FILES + 1))
    with pytest.raises(Invalid, match="files for one connection"):
        await entry(Recorder()).request(call, Request(Connection("c"), offers))


async def test_a_namespace_that_is_not_the_sender_s_is_refused_and_closed(
    call, files, file, other, open_files
) -> None:
    file.sent_on(files)
    other.sent_on(files)
    files.foreign.add(files.sent[1])
    before, end = open_files(), Recorder()
    owners = chain(ReceiveFiles(LoopClock(), from_owners=True)).bind(end)
    for offers in (other,), (file, other):
        asked = tuple(offer.mechanism(offer.wire) for offer in offers)
        with pytest.raises(Denied, match="may not enter"):
            await owners.request(call, Request(Connection("c"), asked))
        assert open_files() == before
    assert not end.heard
    passed_on = Request(Connection("c"), (other.mechanism(other.wire),))
    await ReceiveFiles(LoopClock()).bind(end).request(call, passed_on)
    await owners.request(call, Request(Connection("c"), (file.mechanism(file.wire),)))
    assert len(end.requests) == 2
