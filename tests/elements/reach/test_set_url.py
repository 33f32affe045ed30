from nsm.api.connection import Connection, Request
from nsm.elements.reach import SetUrl
from nsm.sdk import Call
from nsm.sdk.testing import Recorder


async def test_every_call_goes_where_it_says_wherever_it_was_going() -> None:
    end = Recorder()
    entry = SetUrl("unix:///manager").bind(end)
    await entry.request(Call(to="tcp://elsewhere"), Request(Connection("c")))
    await entry.close(Call(), Connection("c"))
    assert [call.to for call in end.calls] == ["unix:///manager"] * 2
