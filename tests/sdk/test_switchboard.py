import pytest

from nsm.api.connection import Connection, Request
from nsm.errors import Unreachable
from nsm.sdk import Call, Channel, Dialer, Offer, Peer, Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import Recorder, party

ASKED = Request(Connection("c"))


def board() -> Switchboard:
    return Switchboard(Tasks(), LoopClock())


def dialer(board: Switchboard, name: str = "caller", otherwise: Dialer | None = None) -> Dialer:
    return board.dialer(party(f"spiffe://test/{name}", board.clock), otherwise)


async def test_a_url_leads_to_what_was_plugged_in_there() -> None:
    end, switchboard = Recorder(), board()
    switchboard.plug("unix:///a", Offer(connections=end), lambda: Peer("a"))
    channel = await dialer(switchboard).dial("unix:///a")
    await channel.connections.request(Call(), ASKED)
    assert (channel.peer.id, end.verbs) == ("a", ["request c"])


async def test_one_caller_has_one_channel_and_another_has_another() -> None:
    switchboard = board()
    switchboard.plug("unix:///a", Offer(), lambda: Peer("a"))
    mine, other = dialer(switchboard), dialer(switchboard, "other")
    assert await mine.dial("unix:///a") is await mine.dial("unix:///a")
    assert await mine.dial("unix:///a") is not await other.dial("unix:///a")


async def test_other_urls_are_dialled_otherwise() -> None:
    class Elsewhere:
        async def dial(self, url: str, timeout: float | None = None) -> Channel:
            raise Unreachable(f"elsewhere: {url} within {timeout}")

    with pytest.raises(Unreachable, match="elsewhere: tcp://b within 2"):
        await dialer(board(), otherwise=Elsewhere()).dial("tcp://b", 2)
    with pytest.raises(Unreachable, match="nothing is plugged in at tcp://b"):
        await dialer(board()).dial("tcp://b")


async def test_a_caller_that_is_gone_reaches_nobody_any_more() -> None:
    switchboard, end = board(), Recorder()
    switchboard.plug("unix:///a", Offer(connections=end), lambda: Peer("a"))
    gone, other = (party(f"spiffe://test/{name}", switchboard.clock) for name in ("gone", "other"))
    channel = await switchboard.dialer(gone).dial("unix:///a")
    switchboard.hang_up(gone)
    with pytest.raises(Unreachable):
        await channel.connections.request(Call(), ASKED)
    with pytest.raises(Unreachable):
        await switchboard.dialer(gone).dial("unix:///a")
    await (await switchboard.dialer(other).dial("unix:///a")).connections.request(Call(), ASKED)
    assert end.verbs == ["request c"]


async def test_unplugging_breaks_channels_and_plugging_again_makes_new_ones() -> None:
    switchboard, end = board(), Recorder()
    ours = dialer(switchboard)
    switchboard.plug("unix:///a", Offer(connections=Recorder()), lambda: Peer("a"))
    before = await ours.dial("unix:///a")
    switchboard.unplug("unix:///a")
    with pytest.raises(Unreachable):
        await before.connections.request(Call(), ASKED)
    with pytest.raises(Unreachable):
        await ours.dial("unix:///a")
    switchboard.plug("unix:///a", Offer(connections=end), lambda: Peer("a"))
    await (await ours.dial("unix:///a")).connections.request(Call(), ASKED)
    assert end.verbs == ["request c"]
