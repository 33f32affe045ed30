"""Watching connections: who can be watched."""

from collections.abc import AsyncIterator
from typing import Protocol

from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.sdk.call import Call


class Monitor(Protocol):
    """Anything whose connections can be watched."""

    def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        """One initial event at once, even when empty; then what happens, until either end leaves.

        Raises the peer's failure; an end without one means that the peer stopped.
        """
        ...
