"""Each VNI that a forwarder holds has a tunnel, and each tunnel that it accepted holds its VNI."""

import pytest

from nsm.dataplane.census import Census
from nsm.dataplane.facts import LINK
from nsm.dataplane.ledger import Tag
from nsm.dataplane.link import Link
from nsm.dataplane.plan import CLIENT, ENDPOINT
from nsm.program.inventory import Built, Held, Hop, Inventory
from nsm.world.audit import GRACE, Found, Leftover, Tagged
from nsm.world.audit_vnis import vnis

NOW = 1000.0
WHO = "node@n-1"
ONE = Tag.of("one", "").connection
HOPS = [Hop("web", "web-0", NOW + 60), Hop("forwarder", "one")]


def audited(
    held: list[tuple[str, int]],
    *,
    there: int = 0,
    built: bool = False,
    role: str = "",
    served: bool = True,
) -> list[tuple[str, str]]:
    """Of a forwarder that holds these VNIs, and a kernel with a tunnel of that VNI, or none."""
    return [(one.kind, one.what) for one in found(held, there, built, role, served)]


def found(
    held: list[tuple[str, int]], there: int, built: bool, role: str, served: bool
) -> list[Leftover]:
    link = Link("nse", 7, vni=there)
    tags = {(5, "nse"): Tagged(ONE, role, NOW + 60, WHO)} if role else {}
    inventory = Inventory(
        name=WHO,
        pid=1,
        connections=[Held("one", "forwarder", 1, HOPS, [])] if served else [],
        built=[Built("one", 5, LINK, "nse", "nse")] if built else [],
        vnis=held,
    )
    censuses = {"end": Census(5, frozenset(), {"nse": link} if there else {})}
    seen = Found(
        now=NOW,
        censuses=censuses,
        inventories={WHO: inventory},
        processes=[],
        files=[],
        tags=tags,
    )
    return list(vnis(seen))


@pytest.mark.parametrize("holder", [ONE, f"{ONE} 3"])
def test_what_a_tunnel_has_is_held_for_a_reason(holder: str) -> None:
    assert audited([(holder, 42)], there=42, built=True) == []
    assert audited([(holder, 42)], there=42, role=ENDPOINT) == [], "an earlier life built it"


@pytest.mark.parametrize("there", [0, 43])
def test_what_no_tunnel_has_is_held_for_nothing(there: int) -> None:
    said = [("VNI", f"42, held for {ONE}, which has no such tunnel")]
    assert audited([(ONE, 42)], there=there, built=True) == said


def test_what_is_held_for_nobody_is_left_over_and_else_waits_for_its_connection() -> None:
    assert [one.until for one in found([(ONE, 42)], 0, False, "", False)] == [0.0]
    assert [one.until for one in found([(ONE, 42)], 0, False, "", True)] == [NOW + 60 + GRACE]


def test_a_tunnel_that_was_accepted_and_is_not_held_could_be_anothers() -> None:
    said = [("missing VNI", f"42 of nse, which {WHO} does not hold")]
    assert audited([], there=42, built=True, role=ENDPOINT) == said


def test_who_did_not_choose_does_not_hold() -> None:
    assert audited([], there=42, built=True, role=CLIENT) == []
    assert audited([], there=42, role=ENDPOINT, served=False) == [], "it waits for its expiry"
