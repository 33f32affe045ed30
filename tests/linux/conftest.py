"""What tests on a real kernel stand on."""

from collections.abc import AsyncIterator

import pytest

from nsm.dataplane.kernel import Kernel


@pytest.fixture
async def kernel() -> AsyncIterator[Kernel]:
    """A driver that leaves nothing behind."""
    kernel = Kernel()
    yield kernel
    await kernel.close()
