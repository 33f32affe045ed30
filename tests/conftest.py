"""What all tests stand on."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # a busy machine is no reason for a property to fail


@pytest.fixture(scope="session", autouse=True)
def current_loop() -> Iterator[None]:
    """A loop for those who ask for the current one outside a test (looptime's plugin does)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
