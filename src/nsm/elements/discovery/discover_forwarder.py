"""Find who on this node can build the vWire."""

import logging

from nsm.api.connection import RESELECT_REQUESTED
from nsm.api.matching import forwarders
from nsm.api.registration import Endpoint, NetworkService
from nsm.elements.discovery.finding import alive, find_with_service, listed, where_it_led
from nsm.errors import NotFound, NsmError, Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Registry, Request, Slot
from nsm.sdk.attempts import Attempts

log = logging.getLogger(__name__)

BACK_BY = 10.0
"""Seconds the one that did it has to come back, before another goes on in its place."""


class DiscoverForwarder(Element):
    """Try the forwarders of this node in turn; stay with the one that did it (W §2.1).

    Only when that one itself is gone for long does another follow it; a forwarder that the path
    went by on another node has nobody follow it here. `service` is the one that
    forwarders register under, `url` this manager's own, by which the registry tells whose they are.
    """

    def __init__(
        self,
        services: Registry[NetworkService],
        endpoints: Registry[Endpoint],
        clock: Clock,
        *,
        service: str,
        url: str,
    ) -> None:
        self.services = services
        self.endpoints = endpoints
        self.clock = clock
        self.ours = Endpoint(network_service_names=(service,), url=url)
        self.service = service
        self.chosen = Slot[str]()
        self.missed = Slot[float]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        if asked.state == RESELECT_REQUESTED:
            self.chosen.take(call)
            self.missed.take(call)
        attempts = Attempts(f"go through a forwarder for {asked.network_service!r}")
        for forwarder in await self._candidates(call, asked):
            try:
                told = _cut(request, forwarder.name) if call.newcomer else request
                conn = await next.request(call.towards(forwarder.url), told)
            except NsmError as error:
                attempts.failed(f"forwarder {forwarder.name}", error)
                if isinstance(error, Unreachable) and not error.hop:  # no hop of the way said so
                    self._miss(call, forwarder.name)
            else:
                self.chosen.put(call, forwarder.name)
                self.missed.take(call)
                return conn
        raise attempts.error()

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if name := self.chosen.take(call) or _after_us(conn):
            try:
                forwarder = await where_it_led(self.endpoints, call, name, self.clock)
                call = call.towards(forwarder.url)
            except NsmError as error:  # it may be gone; what else there is still is to be undone
                log.info("closing %s without its forwarder %s: %s", conn.id, name, error)
        await next.close(call, conn)

    async def _candidates(self, call: Call, conn: Connection) -> list[Endpoint]:
        chosen = self.chosen.get(call) or ""
        like = replace(self.ours, name="" if self._is_gone(call) else chosen)
        service, found = await find_with_service(self.services, self.endpoints, call, conn, like)
        fitting = forwarders(service, conn.labels, alive(found, self.clock), self.service)
        if not fitting:
            self._miss(call, chosen)
            who = f"forwarder {chosen!r}, which was used so far," if chosen else "forwarder"
            raise NotFound(
                f"no {who} for service {service.name!r} on this node; there are: {listed(found)}",
                fix="start one here that has the labels the service's match asks for",
            )
        hint = chosen or ("" if conn.state == RESELECT_REQUESTED else _after_us(conn))
        return sorted(fitting, key=lambda forwarder: forwarder.name != hint)

    def _miss(self, call: Call, name: str) -> None:
        """The forwarder of that name is not there now."""
        if name and name == self.chosen.get(call) and self.missed.get(call) is None:
            self.missed.put(call, self.clock.ticks())

    def _is_gone(self, call: Call) -> bool:
        """Whether the chosen one has been missed for so long that it may not come back."""
        since = self.missed.get(call)
        return since is not None and self.clock.ticks() - since >= BACK_BY


def _cut(request: Request, name: str) -> Request:
    """The request without the way it went from another hop in our place, unless by that name."""
    conn, path = request.connection, request.connection.hops
    if _after_us(conn) in ("", name):
        return request
    ours = replace(path, segments=path.segments[: path.index + 1])
    return request.carrying(replace(conn, path=ours))


def _after_us(conn: Connection) -> str:
    """Who came after us when the path was last walked."""
    path = conn.hops
    later = path.segments[path.index + 1 : path.index + 2]
    return later[0].name if later else ""
