"""RefuseStrangers."""

from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Path, Segment
from nsm.elements.policy.refuse_strangers import RefuseStrangers
from nsm.errors import Denied
from nsm.sdk import Call, Request
from nsm.sdk.testing import Recorder


@pytest.fixture
def onward() -> Recorder:
    return Recorder()


@pytest.fixture
def refuse() -> RefuseStrangers:
    return RefuseStrangers()


def behind(mesh, first, *, index: int = 1) -> Connection:
    """The connection as the hop at `index` has it when `first` began it."""
    segments = (Segment("web", "id-web", mesh.token(first, mesh.manager)), Segment("manager", "m"))
    return Connection("m", path=Path(index, (*segments, Segment("forwarder", "m"))))


async def test_whom_it_was_begun_for_may_do_all(mesh, refuse, onward: Recorder) -> None:
    call, conn = Call(peer=mesh.web.peer()).within(mesh.life()), behind(mesh, mesh.web)
    await refuse.request(call, Request(conn), onward)
    await refuse.request(call, Request(behind(mesh, mesh.web)), onward)
    await refuse.close(call, conn, onward)
    assert onward.verbs == ["request m", "request m", "close m"]


async def test_another_reaches_nothing(mesh, refuse, onward: Recorder) -> None:
    life = mesh.life()
    web, other = (Call(peer=who.peer()).within(life) for who in (mesh.web, mesh.other))
    await refuse.request(web, Request(behind(mesh, mesh.web)), onward)
    for conn in (behind(mesh, mesh.other), behind(mesh, mesh.web, index=2)):
        with pytest.raises(Denied, match="begun for"):
            await refuse.request(other, Request(conn), onward)
        with pytest.raises(Denied):
            await refuse.close(other, conn, onward)
    assert onward.verbs == ["request m"]


async def test_the_hop_before_may_become_another(mesh, refuse, onward: Recorder) -> None:
    """A manager or forwarder that heals takes over what another of them began."""
    life, conn = mesh.life(), behind(mesh, mesh.web, index=2)
    for who in (mesh.manager, mesh.other):
        await refuse.request(Call(peer=who.peer()).within(life), Request(conn), onward)
    assert len(onward.heard) == 2


async def test_only_who_is_believed_speaks_for_others(mesh, onward: Recorder) -> None:
    """Posing as a hop between, with a token that another never signed."""
    refuse = RefuseStrangers(lambda id: id == mesh.manager.id)
    life, conn = mesh.life(), behind(mesh, mesh.web, index=2)
    manager, other = (Call(peer=who.peer()).within(life) for who in (mesh.manager, mesh.other))
    await refuse.request(manager, Request(conn), onward)
    with pytest.raises(Denied):
        await refuse.request(other, Request(conn), onward)
    await refuse.close(manager, conn, onward)
    assert onward.verbs == ["request m", "close m"]


async def test_what_failed_belongs_to_nobody(mesh, refuse) -> None:
    life = mesh.life()
    with pytest.raises(ValueError, match="no"):
        await refuse.request(
            Call(peer=mesh.web.peer()).within(life),
            Request(behind(mesh, mesh.web)),
            Recorder(failing=ValueError("no")),
        )
    other = Call(peer=mesh.other.peer()).within(life)
    assert await refuse.request(other, Request(behind(mesh, mesh.other)), Recorder())


async def test_who_asks_from_within_is_no_stranger(mesh, refuse, onward: Recorder) -> None:
    life, conn = mesh.life(), behind(mesh, mesh.web)
    await refuse.request(Call(peer=mesh.web.peer()).within(life), Request(conn), onward)
    await refuse.close(Call().within(life), replace(conn, path=None), onward)
    assert onward.verbs == ["request m", "close m"]
