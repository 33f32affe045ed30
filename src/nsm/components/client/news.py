"""Word of who serves: what could not be had may be tried again at once, and need not wait."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from nsm.api.registration import Endpoint, Query
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Connection, Tasks
from nsm.sdk.backoff import Backoff
from nsm.sdk.channel import Dialer
from nsm.sdk.clock import Alarm
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between tries to listen."""
LINGER = 30.0
"""Seconds to go on listening when nobody waits."""
APART = 0.5
"""Seconds between two changes: a restarted endpoint cannot be told from one that stays, and where
a thousand renew what they registered, nobody is to ask again at each of them."""


@dataclass
class News:
    """Listens to the registry, through the manager at `url`, for as long as somebody waits."""

    dialer: Dialer
    url: str
    clock: Clock
    tasks: Tasks
    heard: dict[str, "_Service"] = field(default_factory=dict)

    async def __call__(self, conn: Connection) -> None:
        """Until somebody registers for the service since this connection last asked."""
        service = self.heard.get(conn.network_service)
        if service is None:
            service = self.heard[conn.network_service] = _Service(self.clock)
            self.tasks.start(f"news of {conn.network_service}", self._listen(conn.network_service))
        with service.waited_for():
            await service.change(conn.id)

    async def _listen(self, name: str) -> None:
        service, backoff = self.heard[name], Backoff(PAUSE, LONGEST_PAUSE)
        try:
            await self._keep_hearing(name, service, backoff)
        finally:
            service.over()
            del self.heard[name]

    async def _keep_hearing(self, name: str, service: "_Service", backoff: Backoff) -> None:
        idle = 0.0
        while idle < LINGER:
            began = self.clock.ticks()
            try:
                async with asyncio.timeout(LINGER):
                    await self._hear(name, service)
            except (NsmError, TimeoutError) as error:
                log.info("no news of %s: %s", name, error)
            if self.clock.ticks() - began > LONGEST_PAUSE:
                backoff.reset()
            await self.clock.sleep(backoff.pause())
            idle = 0.0 if service.waiting else idle + self.clock.ticks() - began

    async def _hear(self, name: str, service: "_Service") -> None:
        channel = await self.dialer.dial(self.url, LONGEST_PAUSE)
        like = Endpoint(network_service_names=(name,))
        async with reading(channel.endpoints.find(Call(), Query(like, watch=True))) as answers:
            async for answer in answers:
                if not answer.deleted:
                    service.registered()


class _Service:
    """How often something changed, and up to which change each connection knows."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.changes = 0
        self.known: dict[str, int] = {}
        self.waiting = 0
        self.bell = asyncio.Event()
        self.last = float("-inf")
        self.due: Alarm | None = None

    def registered(self) -> None:
        """Somebody did; one change is made of all who do within `APART`."""
        if self.due is None:
            wait = self.last + APART - self.clock.ticks()
            self.due = self.clock.after(wait, self._change)

    def over(self) -> None:
        """Nobody waits any more."""
        if self.due is not None:
            self.due.cancel()

    def _change(self) -> None:
        self.due, self.last = None, self.clock.ticks()
        self.changes += 1
        self.bell.set()
        self.bell = asyncio.Event()

    async def change(self, id: str) -> None:
        while self.known.setdefault(id, self.changes) == self.changes:
            await self.bell.wait()
        self.known[id] = self.changes

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
