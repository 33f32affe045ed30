"""The kernel under us: a driver whose own thread stands in namespaces, so that nobody else must."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from nsm.dataplane import encode, link, remnants
from nsm.dataplane.facts import Fact, facts
from nsm.dataplane.link import Link
from nsm.dataplane.links import Links
from nsm.dataplane.netns import Netns, standing_in
from nsm.dataplane.ops import DelRule, Op
from nsm.dataplane.reaper import Reaper
from nsm.dataplane.run import Run
from nsm.dataplane.sockets import IDLE, Sockets
from nsm.errors import Denied, NsmError
from nsm.nouns import replace
from nsm.sdk.clock import Alarm, Clock

T = TypeVar("T")


class Kernel:
    """The real `Driver`. One worker thread does everything in order; deletes have their own."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="nsm-kernel")
        self._sockets = Sockets()
        self._reaper = Reaper()
        self._expiry: Alarm | None = None

    @property
    def sockets(self) -> int:
        """How many are open towards the kernel."""
        return len(self._sockets)

    async def apply(self, *ops: Op) -> None:
        """Carry out `ops`, all or none (see `Driver`)."""
        if not ops:
            return
        job = self._pool.submit(self._run().carry_out, ops)
        try:
            await self._answered(job)
        except asyncio.CancelledError:
            self._pool.submit(self._take_back, job)
            raise

    async def look(self, netns: Netns, name: str) -> Link | None:
        """An interface as it is now; None where there is none."""
        return await self._answered(self._pool.submit(self._look, netns, name))

    async def links(self, netns: Netns) -> tuple[Link, ...]:
        """Every interface of a namespace, without addresses."""
        ask = encode.get_links()
        return await self._answered(
            self._pool.submit(lambda: link.links(self._sockets.of(netns).ask(ask)))
        )

    async def tidy(self, netns: Netns) -> tuple[Fact, ...]:
        """Remove what interfaces of ours have left in a namespace when they went; what it was."""
        rules = await self._answered(self._pool.submit(self._clear_rules, netns))
        return (*facts(rules), *await asyncio.to_thread(remnants.clear_tables, netns))

    async def inside(self, netns: Netns, work: Callable[[], T]) -> T:
        """Run something short in the worker thread while it stands in `netns`."""

        def there() -> T:
            with standing_in(netns):
                return work()

        return await self._finished(self._pool.submit(there))

    async def settle(self) -> None:
        """Wait until what was removed is gone from the kernel too."""
        await self._finished(self._pool.submit(self._reaper.wait))

    async def close(self) -> None:
        """Finish what was begun, deletes included, and let go of every namespace."""
        if self._expiry:
            self._expiry.cancel()
        await asyncio.wrap_future(self._pool.submit(self._sockets.close))
        self._pool.shutdown(wait=False)
        await asyncio.to_thread(self._reaper.close)

    def _run(self) -> Run:
        return Run(self._sockets, self._reaper)

    def _take_back(self, job: "Future[list[Op]]") -> None:
        if not job.cancelled() and job.exception() is None:
            self._run().take_back(job.result())

    def _clear_rules(self, netns: Netns) -> tuple[Op, ...]:
        idle = remnants.idle_rules(netns, self._sockets.of(netns))
        self._run().carry_out(tuple(map(DelRule, idle)))
        return idle

    def _look(self, netns: Netns, name: str) -> Link | None:
        found = Links(self._sockets, self._reaper).find(netns, name)
        if found is None:
            return None
        asked = encode.get_addresses(found.index)  # among a thousand links, of all takes 10 ms
        addresses = self._sockets.of(netns).ask_narrowly(asked)
        return replace(found, addresses=link.addresses(addresses, found.index))

    async def _answered(self, job: "Future[T]") -> T:
        """The one place where what the system refuses becomes an error of ours."""
        try:
            return await self._finished(job)
        except PermissionError as error:
            fix = "run as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN"
            raise Denied(f"may not ask the kernel: {error}", fix=fix) from error
        except OSError as error:
            raise NsmError(f"the kernel could not be asked: {error}") from error

    async def _finished(self, job: "Future[T]") -> T:
        if self._expiry is None:
            self._expiry = self._clock.after(IDLE, self._expire)
        return await asyncio.wrap_future(job)

    def _expire(self) -> None:
        """Close idle sockets, and come back while there are any."""
        self._expiry = None
        loop = asyncio.get_running_loop()
        job = self._pool.submit(self._sockets.expire)
        job.add_done_callback(lambda done: loop.call_soon_threadsafe(self._expired, done.result()))

    def _expired(self, any_left: bool) -> None:
        if any_left and self._expiry is None:
            self._expiry = self._clock.after(IDLE, self._expire)
