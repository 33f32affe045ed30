"""What all tests stand on."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def current_loop() -> Iterator[None]:
    """A loop for those who ask for the current one outside a test (looptime's plugin does)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
