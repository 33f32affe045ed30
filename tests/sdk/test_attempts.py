"""How several failures become one."""

from contextlib import suppress

from tests.leaving import nothing_holds_itself

from nsm.errors import Denied, Exhausted, NsmError, Unreachable
from nsm.sdk.attempts import MOST_TOLD, Attempts


def attempts(*errors: NsmError) -> NsmError:
    tried = Attempts("reach x")
    for number, error in enumerate(errors):
        tried.failed(f"candidate {number}", error)
    return tried.error()


def test_an_only_failure_is_itself() -> None:
    only = Denied("no", hop="nse", fix="ask nicely")
    assert attempts(only) is only


def test_failures_of_one_kind_stay_of_that_kind_and_each_is_told() -> None:
    error = attempts(Exhausted("full"), Exhausted("fuller", hop="nse-2"))
    assert type(error) is Exhausted
    assert "candidate 0: full" in str(error)
    assert "candidate 1: nse-2: fuller" in str(error)


def test_failures_of_many_kinds_say_that_another_try_may_help() -> None:
    assert type(attempts(Exhausted("full"), Denied("no"))) is Unreachable


async def test_what_was_tried_does_not_hold_itself() -> None:
    async def tried(times: int) -> None:
        tries = Attempts("reach x")
        for number in range(times):
            try:
                raise Unreachable("nobody is there")
            except NsmError as error:
                tries.failed(f"candidate {number}", error)
        if times != 2:  # as where the third did it
            raise tries.error()

    async with nothing_holds_itself():
        for times in (1, 2, 3):
            with suppress(Unreachable):
                await tried(times)


def test_a_thousand_failures_fit_in_one_error() -> None:
    error = attempts(*(Denied("no") for _ in range(1000)))
    assert f"and {1000 - MOST_TOLD} more" in str(error)
    assert len(str(error)) < 1000
