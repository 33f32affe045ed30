"""Spread connections over the endpoints of a service."""

from nsm.errors import NotFound, NsmError, Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.attempts import Attempts

MOST_SERVICES = 65_536
"""Services whose turn is remembered; beyond that everyone starts over."""


class TakeTurns(Element):
    """Ask the candidates in turn, each request beginning one further on; first success wins.

    Whoever has the connection and may be left is asked last, and for what it gave: where nobody
    else does it, the addresses stay what they are. If one behind it is what cannot be had, it is
    asked as we were: one that passes on may lead it elsewhere then.
    """

    def __init__(self) -> None:
        self.turns: dict[str, int] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.to or not call.candidates:
            return await next.request(call, request)
        asked = request.connection
        start = self._turn(asked.network_service) % len(call.candidates)
        attempts = Attempts(f"reach an endpoint of {asked.network_service!r}")
        turns = (*call.candidates[start:], *call.candidates[:start])
        stood = call.life.last if call.begun else None
        had = stood if isinstance(stood, Connection) else Connection()
        for candidate in sorted(turns, key=lambda one: one.name == had.endpoint):
            named = request.carrying(replace(asked, endpoint=candidate.name))
            try:
                return await _ask(call.towards(candidate.url), named, had, next)
            except NsmError as error:
                attempts.failed(f"endpoint {candidate.name}", error)
        raise attempts.error()

    def _turn(self, service: str) -> int:
        if len(self.turns) >= MOST_SERVICES:
            self.turns.clear()
        turn = self.turns.get(service, 0)
        self.turns[service] = turn + 1
        return turn


async def _ask(call: Call, named: Request, had: Connection, next: Handler) -> Connection:
    if named.connection.endpoint != had.endpoint:
        return await next.request(call, named)
    try:
        return await next.request(call, named.carrying(_as_it_stood(named.connection, had)))
    except (NotFound, Unreachable) as error:
        if not error.hop:  # it is not there itself
            raise
        return await next.request(call, named)


def _as_it_stood(asked: Connection, had: Connection) -> Connection:
    """What is asked for, with the addresses and routes that stand."""
    kept = replace(had.ip, excluded_prefixes=asked.ip.excluded_prefixes)
    return asked if asked.ip.src_ip_addrs else asked.with_ip(kept)
