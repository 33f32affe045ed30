"""What a program says it holds is held against the connections that it has."""

import pytest

from nsm.dataplane.facts import ADDRESS, LINK
from nsm.program.inventory import Built, Held, Inventory
from nsm.world.audit import GRACE, Found, in_programs
from nsm.world.claims import Claims

CLAIMS = Claims(
    mesh="lab",
    supervisor=1,
    zygote=2,
    namespaces={},
    guests=[],
    parts=[],
    wiring=[],
    files=[],
)
INTERFACE = Built("one", 5, LINK, "nse", "nse")


def said(**holds: object) -> list[tuple[str, str]]:
    inventory = Inventory(name="node", pid=7, **holds)  # type: ignore[arg-type]
    found = Found(now=1000.0, censuses={}, inventories={"node": inventory}, processes=[], files=[])
    return [(one.kind, one.what) for one in in_programs(CLAIMS, found)]


def test_an_interface_that_is_kept_for_nobody_is_said() -> None:
    assert said(built=[INTERFACE]) == [("interface", "nse, built for one, which is over")]


@pytest.mark.parametrize(
    "holds",
    [
        {"connections": [Held("one", "forwarder", 0, [], [])]},
        {"connections": [], "built": [Built("", 5, LINK, "nse", "nse")]},
        {"built": [Built("one", 5, ADDRESS, "10.0.0.1/32", "nse")]},
    ],
)
def test_what_somebody_has_and_what_goes_with_an_interface_is_not(holds) -> None:
    assert said(**{"built": [INTERFACE], **holds}) == []


@pytest.mark.parametrize(
    ("holds", "kind"),
    [
        ({"lives": ["one"]}, "life"),
        ({"tasks": ["heal one"]}, "task"),
        ({"stale": ["one"]}, "timer"),
        ({"addresses": [("one", "10.0.0.1/32")]}, "address"),
    ],
)
def test_what_a_program_keeps_for_a_connection_that_is_over_is_said(holds, kind: str) -> None:
    assert [found for found, _ in said(**holds)] == [kind]


def test_an_address_is_kept_for_whoever_may_come_back_until_their_time_is_up() -> None:
    inventory = Inventory(
        name="nse", pid=7, addresses=[("one", "10.0.0.1/32")], awaited=[("one", 2000.0)]
    )
    found = Found(now=1000.0, censuses={}, inventories={"nse": inventory}, processes=[], files=[])
    assert [one.until for one in in_programs(CLAIMS, found)] == [2000.0 + GRACE]
