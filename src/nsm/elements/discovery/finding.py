"""Asking a registry once, for all there is now."""

from nsm.api.registration import Endpoint, NetworkService, Query, R
from nsm.api.timestamp import Timestamp
from nsm.errors import Exhausted, NotFound
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Registry
from nsm.sdk.side_by_side import both
from nsm.sdk.streams import reading

MOST = 65_536
"""Records taken from one answer; a registry that says more is not one of ours."""


async def find_all(registry: Registry[R], call: Call, like: R) -> list[R]:
    """What is like this now. The question is ours, so it is asked within our own deadline only."""
    found: list[R] = []
    async with reading(registry.find(Call(deadline=call.deadline), Query(like))) as answers:
        async for answer in answers:
            if not answer.deleted:
                found.append(answer.record)
            if len(found) > MOST:
                raise Exhausted(f"a registry answered with more than {MOST} records")
    return found


async def find_service(
    registry: Registry[NetworkService], call: Call, name: str, payload: str
) -> NetworkService:
    """The network service of exactly this name; an empty payload is any."""
    like = NetworkService(name=name, payload=payload)
    for service in await find_all(registry, call, like):
        if service.name == name:
            return service
    carrying = f" with payload {payload}" if payload else ""
    raise NotFound(
        f"network service {name!r}{carrying} is not registered",
        fix="register it, or check its name and payload",
    )


async def find_with_service(
    services: Registry[NetworkService],
    endpoints: Registry[Endpoint],
    call: Call,
    conn: Connection,
    like: Endpoint,
) -> tuple[NetworkService, list[Endpoint]]:
    """The service a connection asks for, and endpoints like this, looked for at the same time."""
    name, payload = conn.network_service, conn.payload
    return await both(find_service(services, call, name, payload), find_all(endpoints, call, like))


async def find_endpoint(registry: Registry[Endpoint], call: Call, name: str) -> Endpoint:
    """The endpoint of exactly this name; the registry matches names but proxies may widen them."""
    for endpoint in await find_all(registry, call, Endpoint(name=name)):
        if endpoint.name == name:
            return endpoint
    raise NotFound(
        f"endpoint {name!r} is not registered",
        fix="it may be starting or gone; ask without naming an endpoint to get another",
    )


async def where_it_led(
    registry: Registry[Endpoint], call: Call, name: str, clock: Clock
) -> Endpoint:
    """The endpoint a connection that is closed went to, asked for in half of the time there is.

    What the rest of the chain has to undo needs the other half, also where no registry answers.
    """
    if call.deadline is not None:
        now = clock.ticks()
        call = replace(call, deadline=now + max(0.0, call.deadline - now) / 2)
    return await find_endpoint(registry, call, name)


def alive(endpoints: list[Endpoint], clock: Clock) -> list[Endpoint]:
    """Those that have not expired."""
    now = Timestamp.at(clock.now())
    return [e for e in endpoints if e.expiration_time is None or e.expiration_time > now]


def listed(endpoints: list[Endpoint], most: int = 8) -> str:
    """Their names, for an error; a few of many."""
    names = ", ".join(e.name for e in endpoints[:most])
    return f"{names} and {len(endpoints) - most} more" if len(endpoints) > most else names or "none"
