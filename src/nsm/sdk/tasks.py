"""Background work that belongs to someone."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from weakref import WeakSet

from nsm.errors import NsmError

log = logging.getLogger(__name__)


class Tasks:
    """Keep what is running, say what failed, and stop it all with its owner."""

    def __init__(self) -> None:
        self.holders: WeakSet[Any] = WeakSet()
        """Those that keep something for whom work is started here, to be asked what they hold."""
        self._running: dict[asyncio.Task[None], None] = {}  # in the order begun
        self._stopped = False

    def __len__(self) -> int:
        return len(self._running)

    @property
    def names(self) -> tuple[str, ...]:
        """What runs now, the longest running first."""
        return tuple(task.get_name() for task in self._running)

    def start(self, name: str, work: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        """Run `work`; the task is returned to be cancelled, not to be awaited in one's own lane.

        After `stop`, as when an alarm rings late, the work is not done.
        """
        if self._stopped:
            work.close()
            work = _nothing()
        task = asyncio.get_running_loop().create_task(self._say(name, work), name=name)
        self._running[task] = None
        task.add_done_callback(self._running.pop)
        task.add_done_callback(lambda _: work.close())  # it may be cancelled before it began
        return task

    async def stop(self) -> None:
        """Cancel whatever still runs, wait until it is gone, and start nothing any more."""
        while self._running:  # what is cancelled may start others, to undo what it did
            for task in list(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        self._stopped = True

    async def _say(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except asyncio.CancelledError as told:
            told.with_traceback(None)  # its frames know the task, and the task keeps it
            raise
        except NsmError as error:  # a failure that says what it is; for us there is nothing to mend
            log.warning("%s failed: %s", name, error)
        except Exception:
            log.exception("%s failed", name)


async def _nothing() -> None:
    return None
