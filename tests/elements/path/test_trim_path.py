from nsm.api.connection import Connection, Path, Request, Segment
from nsm.elements.lifecycle import Begin
from nsm.elements.path import KeepPath, TrimPath
from nsm.sdk import Call, Clock, Tasks, chain
from nsm.sdk.testing import Recorder

LONG = Connection("x", path=Path(1, (Segment("a"), Segment("b"), Segment("c"), Segment("d"))))


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


async def test_a_path_ends_where_nobody_is_asked_further() -> None:
    entry = chain(Begin(Tasks(), Clock()), TrimPath()).bind(Recorder())
    assert names(await entry.request(Call(), Request(LONG))) == ["a", "b"]


async def test_a_path_that_went_on_is_kept() -> None:
    entry = chain(Begin(Tasks(), Clock()), TrimPath(), KeepPath()).bind(Recorder())
    assert names(await entry.request(Call(), Request(LONG))) == ["a", "b", "c", "d"]


async def test_a_short_path_is_left_alone() -> None:
    entry = chain(Begin(Tasks(), Clock()), TrimPath()).bind(Recorder())
    short = Connection("x", path=Path(0, (Segment("a"),)))
    assert await entry.request(Call(), Request(short)) == short
