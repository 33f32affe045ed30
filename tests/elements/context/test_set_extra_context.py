"""Facts without a field."""

from nsm.api.context import ConnectionContext
from nsm.elements.context.set_extra_context import SetExtraContext
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder


async def test_entries_are_merged_and_ours_win() -> None:
    asked = Connection("c", context=ConnectionContext(extra_context={"a": "1", "b": "2"}))
    entry = SetExtraContext({"b": "3", "c": "4"}).bind(Recorder())
    conn = await entry.request(Call(), Request(asked))
    assert conn.context == ConnectionContext(extra_context={"a": "1", "b": "3", "c": "4"})
