"""Links that choose among links, by what a connection is like; each is bound once, to one tail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nsm.api.connection import Connection, Request
from nsm.errors import Unsupported
from nsm.sdk.call import Call
from nsm.sdk.handler import Handler, Link

Test = Callable[[Connection], bool]


def switch(*cases: tuple[Test, Link[Handler]]) -> Link[Handler]:
    """The first link whose test holds, then what follows; no test holds: what follows alone."""
    return _Switch(cases)


def by_mechanism(links: Mapping[str, Link[Handler]]) -> Link[Handler]:
    """The link of the selected mechanism's type; Unsupported where there is none."""
    return _ByMechanism(links)


@dataclass(frozen=True, slots=True)
class _Switch:
    cases: tuple[tuple[Test, Link[Handler]], ...]

    def bind(self, next: Handler) -> Handler:
        return _Switched(tuple((test, link.bind(next)) for test, link in self.cases), next)


@dataclass(frozen=True, slots=True)
class _Switched:
    cases: tuple[tuple[Test, Handler], ...]
    next: Handler

    async def request(self, call: Call, request: Request) -> Connection:
        return await self.choose(request.connection).request(call, request)

    async def close(self, call: Call, conn: Connection) -> None:
        await self.choose(conn).close(call, conn)

    def choose(self, conn: Connection) -> Handler:
        return next((way for test, way in self.cases if test(conn)), self.next)


@dataclass(frozen=True, slots=True)
class _ByMechanism:
    links: Mapping[str, Link[Handler]]

    def bind(self, next: Handler) -> Handler:
        return _Dispatched({type: link.bind(next) for type, link in self.links.items()}, next)


@dataclass(frozen=True, slots=True)
class _Dispatched:
    ways: Mapping[str, Handler]
    next: Handler

    async def request(self, call: Call, request: Request) -> Connection:
        selected = request.connection.mechanism
        way = selected and self.ways.get(selected.type)
        if not way:
            kind = selected.type if selected else "none"
            raise Unsupported(
                f"mechanism {kind!r} is selected",
                fix=f"ask for one of {', '.join(self.ways) or 'none: this host can do none'}",
            )
        return await way.request(call, request)

    async def close(self, call: Call, conn: Connection) -> None:
        # What was never selected needs no undoing here; what lies further on may.
        way = self.ways.get(conn.mechanism.type) if conn.mechanism else None
        await (way or self.next).close(call, conn)
