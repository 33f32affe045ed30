"""How those who hold something live tell others that it is no longer what it was."""

import asyncio


class Changes:
    """A count that only grows, and a way to wait until it does."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def mark(self) -> None:
        """Something changed."""
        self.count += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def past(self, count: int) -> int:
        """Wait until more than `count` changes have been marked; how many it is then."""
        while self.count <= count:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
        return self.count
