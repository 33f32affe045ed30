"""What `nsm ping` pings, from what status says."""

import pytest

from nsm.cli.ping import target, told
from nsm.errors import NotFound, Unreachable
from nsm.world.ping import Echo, Summary

UP = {
    "service": "s",
    "state": "up",
    "interface": "nsm-1",
    "dst": ["172.16.1.0/32", "2001:db8::/128"],
}
DOWN = {"service": "t", "state": "healing", "interface": "nsm-2", "dst": []}
STATUS = {"workloads": [{"name": "web", "connections": [UP, DOWN]}]}


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("s", ("172.16.1.0", "nsm-1")),
        ("172.16.1.0", ("172.16.1.0", "nsm-1")),
        ("2001:db8:0::0", ("2001:db8::", "nsm-1")),
        ("10.0.0.1", ("10.0.0.1", "")),
    ],
)
def test_a_service_or_an_address_leads_through_its_vwire(what: str, found: tuple[str, str]) -> None:
    assert target(STATUS, "web", what) == found


def test_a_service_it_has_not_asked_for_is_not_found() -> None:
    with pytest.raises(NotFound, match="its services are: s, t"):
        target(STATUS, "web", "u")


def test_a_vwire_that_is_not_up_is_not_pinged() -> None:
    with pytest.raises(Unreachable, match="is healing"):
        target(STATUS, "web", "t")


def test_the_summary_is_the_contracts() -> None:
    summary = Summary.of([Echo(1, 1.0), Echo(2, None), Echo(3, 3.0), Echo(4, None)])
    assert told(summary, "nsm-1", "172.16.1.0") == {
        "sent": 4,
        "received": 2,
        "loss": 0.5,
        "rtt_ms": {"min": 1.0, "avg": 2.0, "max": 3.0},
        "interface": "nsm-1",
        "address": "172.16.1.0",
    }


def test_nothing_received_has_no_times() -> None:
    assert Summary.of([Echo(1, None)]).times() == {"min": None, "avg": None, "max": None}
