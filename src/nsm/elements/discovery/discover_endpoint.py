"""Find out who serves what is asked for."""

import logging

from nsm.api.matching import candidates
from nsm.api.registration import Endpoint, NetworkService
from nsm.elements.discovery.finding import (
    alive,
    find_endpoint,
    find_with_service,
    listed,
    where_it_led,
)
from nsm.errors import NotFound, NsmError
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Registry, Request

log = logging.getLogger(__name__)


class DiscoverEndpoint(Element):
    """Lead a call to the endpoint it names, or give it the candidates that match its labels."""

    def __init__(
        self, services: Registry[NetworkService], endpoints: Registry[Endpoint], clock: Clock
    ) -> None:
        self.services = services
        self.endpoints = endpoints
        self.clock = clock

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        if call.to:
            return await next.request(call, request)
        if asked.endpoint:
            endpoint = await find_endpoint(self.endpoints, call, asked.endpoint)
            return await next.request(call.towards(endpoint.url), request)
        service, found = await self._candidates(call, asked)
        call = replace(call, candidates=found)
        carrying = replace(asked, payload=service.payload)
        return await next.request(call, request.carrying(carrying))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if conn.endpoint and not call.to:
            try:
                endpoint = await where_it_led(self.endpoints, call, conn.endpoint, self.clock)
                call = call.towards(endpoint.url)
            except NsmError as error:  # it may be gone; what it leaves behind still is to be undone
                log.info("closing %s without knowing where it led: %s", conn.id, error)
        await next.close(call, conn)

    async def _candidates(
        self, call: Call, conn: Connection
    ) -> tuple[NetworkService, tuple[Endpoint, ...]]:
        like = Endpoint(network_service_names=(conn.network_service,))
        service, found = await find_with_service(self.services, self.endpoints, call, conn, like)
        living = alive(found, self.clock)
        fitting = candidates(service, conn.labels, living)
        if not fitting:
            labels = ", ".join(f"{k}={v}" for k, v in conn.labels.items()) or "none"
            raise NotFound(
                f"no endpoint of service {service.name!r} matches labels {labels[:500]}; "
                f"endpoints registered: {listed(living)}",
                fix="check the labels asked with, the service's matches and the endpoints' labels",
            )
        return service, fitting
