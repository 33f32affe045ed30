"""Close a connection that its network service no longer leads where it goes."""

import asyncio
import logging
from dataclasses import dataclass, field

from nsm.api.matching import candidates
from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.elements.discovery.finding import find_endpoint
from nsm.errors import NotFound, NsmError
from nsm.sdk import Call, Clock, Connection, Element, Handler, Life, Registry, Request, Tasks
from nsm.sdk.backoff import Backoff
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a lost watch is opened again, at first (W §12) and at most."""
PATIENCE = 15.0
"""Seconds a look at an endpoint may take."""


@dataclass(eq=False)
class _Watch:
    """One service, watched for as long as a connection to it is known."""

    task: "asyncio.Task[None] | None" = None
    members: dict[str, tuple[Life, Connection]] = field(default_factory=dict)
    changed: float = float("-inf")
    service: NetworkService | None = None


class WatchServices(Element):
    """Watch each service once, however many connections lead to it (W §2.1 netsvcmonitor)."""

    def __init__(
        self,
        services: Registry[NetworkService],
        endpoints: Registry[Endpoint],
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self.services = services
        self.endpoints = endpoints
        self.clock = clock
        self.tasks = tasks
        self.watched: dict[str, _Watch] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        began = self.clock.ticks()
        conn = await next.request(call, request)
        watch = self.watched.get(conn.network_service)
        if watch is None:
            watch = self._begin(conn.network_service)
        watch.members[conn.id] = (call.life, conn)
        if watch.changed >= began:  # it may have been matched by what stood before
            self.tasks.start(f"check {conn.id}", self._check(watch, conn.id))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self._leave(conn)
        await next.close(call, conn)

    def _begin(self, service: str) -> _Watch:
        watch = self.watched[service] = _Watch()
        watch.task = self.tasks.start(f"watch service {service}", self._follow(service, watch))
        return watch

    def _leave(self, conn: Connection) -> None:
        watch = self.watched.get(conn.network_service)
        if watch and watch.members.pop(conn.id, None) and not watch.members:
            del self.watched[conn.network_service]
            if watch.task:
                watch.task.cancel()

    async def _follow(self, name: str, watch: _Watch) -> None:
        query = Query(NetworkService(name=name), watch=True)
        pauses = Backoff(PAUSE, LONGEST_PAUSE)
        while True:
            try:
                async with reading(self.services.find(Call(), query)) as answers:
                    async for answer in answers:
                        pauses.reset()
                        if answer.record.name == name and not answer.deleted:
                            await self._changed(watch, answer.record)
            except NsmError as error:
                log.info("lost sight of service %s: %s", name, error)
            await self.clock.sleep(pauses.pause())

    async def _changed(self, watch: _Watch, service: NetworkService) -> None:
        watch.changed, watch.service = self.clock.ticks(), service
        for member in list(watch.members):
            await self._check(watch, member)

    async def _check(self, watch: _Watch, member: str) -> None:
        """Close the connection if its endpoint is there and no longer matches."""
        if watch.service is None or member not in watch.members:
            return
        life, conn = watch.members[member]
        call = Call(deadline=self.clock.ticks() + PATIENCE)
        try:
            endpoint = await find_endpoint(self.endpoints, call, conn.endpoint)
        except NotFound:
            return  # gone or starting anew: that is for healing to notice
        except NsmError as error:
            log.info("cannot tell whether %s still matches: %s", conn.id, error)
            return
        if not candidates(watch.service, conn.labels, (endpoint,)):
            log.info("%s: %s no longer leads to %s", conn.id, watch.service.name, conn.endpoint)
            life.close_soon()
