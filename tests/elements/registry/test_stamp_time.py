"""Say since when an endpoint is known."""

import pytest

from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import StampTime
from nsm.sdk.clock import LoopClock
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing import Lifetime

pytestmark = pytest.mark.looptime


async def test_an_endpoint_is_known_since_its_first_registration(clock: LoopClock) -> None:
    registry, call = StampTime(clock).bind(NowhereElse()), Lifetime().call
    began = Timestamp.at(clock.now())
    assert (await registry.register(call, Endpoint(name="e"))).initial_registration_time == began
    await clock.sleep(100)
    assert (await registry.register(call, Endpoint(name="e"))).initial_registration_time == began
    other = Endpoint(name="e", initial_registration_time=Timestamp(1))
    assert (await registry.register(call, other)).initial_registration_time == began


async def test_an_endpoint_that_knows_its_time_keeps_it(clock: LoopClock) -> None:
    registry, call = StampTime(clock).bind(NowhereElse()), Lifetime().call
    given = Endpoint(name="e", initial_registration_time=Timestamp(7, 3))
    assert (await registry.register(call, given)).initial_registration_time == Timestamp(7, 3)
