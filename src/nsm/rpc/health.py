"""The standard health service: what is offered is serving (W §1.1)."""

import asyncio
from collections.abc import AsyncIterator

from nsm.errors import NotFound
from nsm.rpc.incoming import Incoming, Streaming, Unary
from nsm.wire import decode, encode
from nsm.wire.health import SERVICE_UNKNOWN, SERVING, HealthAnswer, HealthQuestion


def health(services: set[str]) -> tuple[Unary, Streaming]:
    """`Check` and `Watch` for these services and, under the empty name, the program itself."""
    known = services | {""}

    async def check(_: Incoming, data: bytes) -> bytes:
        service = decode(HealthQuestion, data).service
        if service not in known:
            raise NotFound(f"there is no service {service[:100]!r} here")
        return encode(HealthAnswer(SERVING))

    async def watch(_: Incoming, data: bytes) -> AsyncIterator[bytes]:
        service = decode(HealthQuestion, data).service
        yield encode(HealthAnswer(SERVING if service in known else SERVICE_UNKNOWN))
        await asyncio.Event().wait()  # until the caller or the program leaves

    return check, watch
