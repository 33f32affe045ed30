"""One MTU for all clients of an endpoint."""

from dataclasses import replace

from nsm.api.connection import REFRESH_REQUESTED, UP
from nsm.api.context import ConnectionContext
from nsm.elements.context import ShareMtu
from nsm.sdk import Call, Connection, Element, Handler, Request, chain
from nsm.sdk.events import Events
from nsm.sdk.testing import Recorder


class Publish(Element):
    """What `Monitor` does: tell of every answer."""

    def __init__(self, events: Events) -> None:
        self.events = events

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        self.events.publish(replace(conn, state=UP))
        return conn


class Endpoint:
    """One whose clients come with MTUs."""

    def __init__(self) -> None:
        self.events, self.end = Events(), Recorder()
        self.entry = chain(Publish(self.events), ShareMtu(self.events)).bind(self.end)

    async def ask(self, id: str, mtu: int) -> int:
        conn = Connection(id, context=ConnectionContext(mtu=mtu))
        answer = await self.entry.request(Call(), Request(conn))
        assert answer.context
        return answer.context.mtu

    def told(self) -> dict[str, tuple[int, int]]:
        """The MTU and the state of each connection, as whoever watches knows it."""
        return {c.id: (c.context.mtu if c.context else 0, c.state) for c in self.events}


async def test_each_is_given_the_smallest_so_far() -> None:
    endpoint = Endpoint()
    assert [await endpoint.ask("a", 0), await endpoint.ask("b", 9500)] == [9000, 9000]
    assert await endpoint.ask("c", 1400) == 1400
    assert await endpoint.ask("d", 8950) == 1400
    assert [r.connection.context.mtu for r in endpoint.end.requests] == [9000, 9000, 1400, 1400]


async def test_when_it_falls_those_with_more_are_to_ask_again_and_nobody_else() -> None:
    endpoint = Endpoint()
    await endpoint.ask("a", 8950)
    await endpoint.ask("b", 1400)
    assert endpoint.told() == {"a": (1400, REFRESH_REQUESTED), "b": (1400, UP)}
    await endpoint.ask("a", 8950)
    assert endpoint.told() == {"a": (1400, UP), "b": (1400, UP)}
    await endpoint.ask("c", 1500)
    assert endpoint.told() == dict.fromkeys("abc", (1400, UP))


async def test_what_somebody_behind_passes_less_counts_too() -> None:
    class Narrow(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            conn = await next.request(call, request)
            return replace(conn, context=ConnectionContext(mtu=1280))

    events, end = Events(), Recorder()
    events.publish(Connection("a", context=ConnectionContext(mtu=1400)))
    share = ShareMtu(events)
    asked = Request(Connection("b", context=ConnectionContext(mtu=1400)))
    await chain(share, Narrow()).bind(end).request(Call(), asked)
    assert share.smallest == 1280
    assert [c.state for c in events] == [REFRESH_REQUESTED]
