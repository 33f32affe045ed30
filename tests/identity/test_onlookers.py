"""Who may watch which connections."""

import pytest

from nsm.admission.glob import IdGlob
from nsm.api.connection import Connection, Path, Segment
from nsm.identity.jwt import Claims, unsigned
from nsm.identity.onlookers import Onlookers
from nsm.sdk.call import Peer

WEB, MANAGER, DB, OPS = (f"spiffe://lab/{name}" for name in ("web", "manager", "db", "ops/alice"))
SEGMENTS = tuple(Segment("n", f"id-{id}", unsigned(Claims(id))) for id in (WEB, MANAGER))
CONN = Connection("c", path=Path(1, (*SEGMENTS, Segment("broken", "x", "no token"))))


@pytest.mark.parametrize(("id", "sees"), [(WEB, True), (MANAGER, True), (DB, False), ("", False)])
def test_whoever_is_on_its_path_sees_a_connection(id: str, sees: bool) -> None:
    assert Onlookers()(Peer(id), CONN) is sees


def test_whoever_watches_over_all_and_we_ourselves_see_everything() -> None:
    onlookers = Onlookers([IdGlob.parse("spiffe://lab/ops/*")])
    assert onlookers(Peer(OPS), CONN)
    assert onlookers(None, CONN)
    assert not onlookers(Peer(DB), CONN)
    assert not onlookers(Peer(WEB), Connection("pathless"))
