"""Owners."""

from dataclasses import replace

import pytest

from nsm.api.registration import Endpoint, NetworkService
from nsm.api.timestamp import Timestamp
from nsm.elements.policy.owners import SWEEP, Owners
from nsm.errors import Exhausted
from nsm.sdk import Clock


class StillClock(Clock):
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


def register(owners: Owners, record, by: str, kept=None) -> None:
    with owners.claiming(record, by) as claim:
        claim.renew(kept or record)


def fail(*after: None) -> None:
    raise ZeroDivisionError


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


def test_the_first_to_register_a_name_owns_it_until_it_is_released(clock) -> None:
    owners = Owners[Endpoint](clock)
    assert owners.owner("gw") == ""
    register(owners, Endpoint("gw"), "web")
    register(owners, Endpoint("gw"), "other")
    assert owners.owner("gw") == "web"
    owners.release("gw")
    assert (owners.owner("gw"), len(owners)) == ("", 0)


def test_a_name_ends_with_its_record_unless_it_is_renewed(clock: StillClock) -> None:
    owners = Owners[Endpoint](clock)
    record = Endpoint("gw")
    register(owners, record, "web", replace(record, expiration_time=Timestamp(1010)))
    clock.time = 1009
    register(owners, record, "web", replace(record, expiration_time=Timestamp(1020)))
    clock.time = 1019
    assert owners.owner("gw") == "web"
    clock.time = 1020
    assert (owners.owner("gw"), len(owners)) == ("", 0)


def test_a_claim_that_fails_leaves_the_name_as_it_was(clock: StillClock) -> None:
    owners = Owners[Endpoint](clock)
    with pytest.raises(ZeroDivisionError), owners.claiming(Endpoint("gw"), "web"):
        fail()
    assert len(owners) == 0
    register(owners, Endpoint("gw"), "web")
    with pytest.raises(ZeroDivisionError), owners.claiming(Endpoint("gw"), "other"):
        fail()
    assert owners.owner("gw") == "web"


def test_a_claim_that_fails_late_does_not_take_the_name_from_a_later_one(clock) -> None:
    owners = Owners[Endpoint](clock)
    with pytest.raises(ZeroDivisionError), owners.claiming(Endpoint("gw"), "web"):
        fail(register(owners, Endpoint("gw"), "web"))
    assert owners.owner("gw") == "web"


def test_a_service_said_again_word_for_word_is_a_repetition(clock: StillClock) -> None:
    owners = Owners[NetworkService](clock)
    service = NetworkService("vpn", "IP", path_ids=("web",))
    assert not owners.repeats(service)
    register(owners, service, "web")
    assert owners.repeats(replace(service, path_ids=("other",)))
    assert not owners.repeats(replace(service, payload="ETHERNET"))


def test_an_endpoint_never_is(clock: StillClock) -> None:
    owners = Owners[Endpoint](clock)
    register(owners, Endpoint("gw"), "web")
    assert not owners.repeats(Endpoint("gw"))


def test_there_is_room_for_so_many_names_and_what_ended_makes_room(clock: StillClock) -> None:
    owners = Owners[Endpoint](clock, most=2)
    soon = Timestamp(1010)
    register(owners, Endpoint("a"), "web", Endpoint("a", expiration_time=soon))
    register(owners, Endpoint("b"), "web")
    with pytest.raises(Exhausted):
        register(owners, Endpoint("c"), "web")
    register(owners, Endpoint("b"), "web")
    clock.time = 1010
    register(owners, Endpoint("c"), "web")
    assert (owners.owner("b"), owners.owner("c")) == ("web", "web")


def test_names_whose_time_is_over_do_not_add_up(clock: StillClock) -> None:
    owners = Owners[Endpoint](clock)
    register(owners, Endpoint("stays"), "web")
    for number in range(1000):
        clock.time += 10
        record = Endpoint(f"gw-{number}", expiration_time=Timestamp(int(clock.time) + 10))
        register(owners, record, "web")
        assert len(owners) <= 2 * 3 + SWEEP
    assert owners.owner("stays") == "web"
