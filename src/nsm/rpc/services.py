"""What a program offers, as methods that take and give bytes (W §1.1)."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Query, R
from nsm.nouns import replace
from nsm.rpc.health import health
from nsm.rpc.incoming import Incoming, Methods, Streaming, Unary
from nsm.rpc.metadata import path_header, path_in, token_in
from nsm.rpc.once import Once
from nsm.rpc.turns import Turns
from nsm.sdk.call import Call
from nsm.sdk.channel import Offer
from nsm.sdk.handler import Handler
from nsm.sdk.monitor import Monitor
from nsm.sdk.registry import Registry
from nsm.sdk.streams import reading
from nsm.wire import decode, encode, methods
from nsm.wire.methods import Method


def methods_for(offer: Offer, hop: str) -> Methods:
    """Every method of the services in `offer`, and of the health service for them."""
    unary: dict[str, Unary] = {}
    streaming: dict[str, Streaming] = {}
    if offer.connections is not None:
        unary[methods.REQUEST.path] = _request(offer.connections, Turns())
        unary[methods.CLOSE.path] = _close(offer.connections)
    if offer.monitor is not None:
        streaming[methods.MONITOR.path] = _watch(offer.monitor)
    if offer.network_services is not None:
        services = offer.network_services
        unary[methods.REGISTER_SERVICE.path] = _register(methods.REGISTER_SERVICE, services)
        unary[methods.UNREGISTER_SERVICE.path] = _unregister(methods.UNREGISTER_SERVICE, services)
        streaming[methods.FIND_SERVICE.path] = _find(methods.FIND_SERVICE, services)
    if offer.endpoints is not None:
        endpoints = offer.endpoints
        unary[methods.REGISTER_ENDPOINT.path] = _register(methods.REGISTER_ENDPOINT, endpoints)
        unary[methods.UNREGISTER_ENDPOINT.path] = _unregister(
            methods.UNREGISTER_ENDPOINT, endpoints
        )
        streaming[methods.FIND_ENDPOINT.path] = _find(methods.FIND_ENDPOINT, endpoints)
    check, watch = health({path.split("/")[1] for path in (*unary, *streaming)})
    unary[methods.HEALTH_CHECK.path] = check
    streaming[methods.HEALTH_WATCH.path] = watch
    return Methods(unary, streaming, hop)


def call_of(incoming: Incoming) -> Call:
    """Who asks, by when, and what came along."""
    transport = incoming.transport
    return Call(
        peer=transport.peer,
        token=token_in(incoming.metadata),
        deadline=incoming.deadline,
        files=transport.files,
    )


def _request(connections: Handler, turns: Turns) -> Unary:
    async def request(incoming: Incoming, data: bytes) -> bytes:
        await turns.mine()
        asked = decode(methods.REQUEST.request, data)
        return encode(await connections.request(call_of(incoming), asked))

    return request


def _close(connections: Handler) -> Unary:
    async def close(incoming: Incoming, data: bytes) -> bytes:
        await connections.close(call_of(incoming), decode(methods.CLOSE.request, data))
        return b""

    return close


def _watch(monitor: Monitor) -> Streaming:
    once = Once()

    async def watch(incoming: Incoming, data: bytes) -> AsyncIterator[bytes]:
        selector = decode(methods.MONITOR.request, data)
        async with reading(monitor.watch(call_of(incoming), selector)) as events:
            async for event in events:
                yield once(event)

    return watch


def _register(method: Method[R, R], registry: Registry[R]) -> Unary:
    async def register(incoming: Incoming, data: bytes) -> bytes:
        call = _on_a_path(incoming)
        kept = await registry.register(call, decode(method.request, data))
        _return_path(incoming, call)
        return encode(kept)

    return register


def _unregister(method: Method[R, None], registry: Registry[R]) -> Unary:
    async def unregister(incoming: Incoming, data: bytes) -> bytes:
        call = _on_a_path(incoming)
        await registry.unregister(call, decode(method.request, data))
        _return_path(incoming, call)
        return b""

    return unregister


def _find(method: Method[Query[R], Answer[R]], registry: Registry[R]) -> Streaming:
    once = Once()

    async def find(incoming: Incoming, data: bytes) -> AsyncIterator[bytes]:
        query = decode(method.request, data)
        async with reading(registry.find(call_of(incoming), query)) as answers:
            async for answer in answers:
                yield once(answer)

    return find


def _on_a_path(incoming: Incoming) -> Call:
    return replace(call_of(incoming), tokens=path_in(incoming.metadata))


def _return_path(incoming: Incoming, call: Call) -> None:
    if call.tokens is not None:
        incoming.reply.append(path_header(call.tokens))
