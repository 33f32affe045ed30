"""Spread connections over the endpoints of a service."""

from dataclasses import replace

from nsm.errors import NsmError
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.attempts import Attempts

MOST_SERVICES = 65_536
"""Services whose turn is remembered; beyond that everyone starts over."""


class TakeTurns(Element):
    """Ask the candidates in turn, each request beginning one further on; first success wins.

    Whoever has the connection and may be left is asked last, and for what it gave: where nobody
    else does it, the addresses stay what they are.
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
            named = replace(asked, endpoint=candidate.name)
            if candidate.name == had.endpoint:
                named = _as_it_stood(named, had)
            try:
                return await next.request(call.towards(candidate.url), request.carrying(named))
            except NsmError as error:
                attempts.failed(f"endpoint {candidate.name}", error)
        raise attempts.error()

    def _turn(self, service: str) -> int:
        if len(self.turns) >= MOST_SERVICES:
            self.turns.clear()
        turn = self.turns.get(service, 0)
        self.turns[service] = turn + 1
        return turn


def _as_it_stood(asked: Connection, had: Connection) -> Connection:
    """What is asked for, with the addresses and routes that stand."""
    kept = replace(had.ip, excluded_prefixes=asked.ip.excluded_prefixes)
    return asked if asked.ip.src_ip_addrs else asked.with_ip(kept)
