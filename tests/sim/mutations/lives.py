"""Faults in how connections begin, are refreshed, healed and closed."""

from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from nsm.api import paths
from nsm.api.connection import DOWN
from nsm.components.client import program as client
from nsm.components.client.memory import Memory
from nsm.elements.context import LeaveBehind, remember_prefixes
from nsm.elements.kernel import join_namespaces
from nsm.elements.lifecycle import Begin, Timeout, heal, refresh
from nsm.elements.lifecycle.begin_client import BeginClient
from nsm.elements.lifecycle.heal import Heal
from nsm.elements.lifecycle.keeper import Keeper
from nsm.elements.lifecycle.monitor import _Relay
from nsm.elements.lifecycle.patience import Patience
from nsm.elements.mechanism import offer_vxlan, receive_files_client, send_files
from nsm.elements.path import trim_path, update_path
from nsm.elements.policy import admit
from nsm.elements.reach import MakeBeforeBreak, ask_channel, connect
from nsm.sdk import Element
from nsm.sdk.backoff import Backoff
from nsm.sdk.events import Events
from nsm.sdk.lanes import Lanes
from nsm.sdk.lives import Living
from nsm.sdk.watching import Interest

from .mutation import mutation

UNDOING = (
    join_namespaces,
    admit,
    ask_channel,
    connect,
    offer_vxlan,
    receive_files_client,
    remember_prefixes,
    send_files,
)


@mutation(Timeout, "close")
def alarm_outlives_its_connection(real: Any) -> Any:
    """A connection's time-out is not cancelled when it is closed."""
    return Element.close


@mutation(Timeout, "request")
def refresh_buys_no_time(real: Any) -> Any:
    """A connection is closed when its first token runs out, whether it was refreshed or not."""

    async def request(self: Any, call: Any, request: Any, next: Any) -> Any:
        if self.alarm.get(call):
            return await next.request(call, request)
        return await real(self, call, request, next)

    return request


@mutation(refresh, "refresh_in")
def refresh_at_the_end_of_life(real: Any) -> Any:
    """A path is refreshed when its tokens have run out, and not well before."""
    return lambda path, now: max(0.0, paths.earliest(path).time - now)


@mutation(paths, "earliest")
def own_token_decides(real: Any) -> Any:
    """The time of a path is that of its first token, and not of the one that ends first."""
    return lambda path: path.segments[0].expires if path.segments else None


@mutation(Begin, "close", (BeginClient, "close"))
def close_says_what_is_sent(real: Any) -> Any:
    """What is closed is what the closer sends, and not what was last answered."""

    async def close(self: Any, call: Any, conn: Any, next: Any) -> None:
        if call.begun:
            await next.close(call, conn)
            return
        async with self.lives.lanes.enter(conn.id):
            if one := self.lives.lived.get(conn.id):
                one.request = one.request.carrying(conn)
                await one.close(call)

    return close


@mutation(Lanes, "enter")
def no_turns(real: Any) -> Any:
    """Requests and closes of one connection do not wait for each other."""
    numbers = count()
    return lambda self, key: real(self, (key, next(numbers)))


@asynccontextmanager
async def _nothing(*_: object) -> Any:
    yield


@mutation(UNDOING[0], "closing_on_error", *((one, "closing_on_error") for one in UNDOING[1:]))
def nothing_is_undone(real: Any) -> Any:
    """What fails on its way back is not undone at the hops that had agreed."""
    return _nothing


@mutation(Living, "leave")
def reselect_leaves_what_stood(real: Any) -> Any:
    """A connection that is selected anew is not closed where it was before."""

    async def leave(self: Any, call: Any) -> bool:
        return True

    return leave


@mutation(_Relay, "publish")
def down_is_not_passed_on(real: Any) -> Any:
    """A hop that hears that a connection is down does not tell the hop before it."""

    def publish(self: Any, conn: Any) -> None:
        if conn.state != DOWN:
            real(self, conn)

    return publish


@mutation(Interest, "lose")
def a_lost_stream_says_nothing(real: Any) -> Any:
    """When the stream from the next hop ends, nobody takes that for a loss."""

    def lose(self: Any) -> None:
        self.stream = None

    return lose


@mutation(Interest, "drop")
def interest_never_ends(real: Any) -> Any:
    """Who closed a connection goes on listening for news of it."""

    def drop(self: Any) -> None:
        self._expecting = False

    return drop


@mutation(Events, "delete")
def events_are_kept(real: Any) -> Any:
    """Whoever watches anew is told of connections that are no more."""
    return lambda self, conn: None


@mutation(Heal.__init__, "__kwdefaults__", (heal, "elsewhere"))
def heal_asks_for_the_dead(real: Any) -> Any:
    """A connection whose endpoint is dead is asked for at that endpoint again."""

    def same(conn: Any) -> Any:
        return conn

    return {**real, "change": same} if isinstance(real, dict) else same


@mutation(Keeper, "_heal")
def heal_tries_once(real: Any) -> Any:
    """What cannot be healed at once is given up."""

    async def once(self: Any) -> None:
        await self.life.again(await self._remedy(late=False))

    return once


@mutation(Keeper, "pause")
def patience_begins_anew(real: Any) -> Any:
    """How long an endpoint was asked for in vain is counted anew from each request."""

    def pause(self: Any) -> None:
        self.patience = Patience(self.keeping.clock)
        real(self)

    return pause


@mutation(heal, "_wished", (LeaveBehind, "request"))
def another_endpoint_keeps_the_addresses(real: Any) -> Any:
    """Another endpoint is asked for the addresses that the dead one gave, and nobody minds."""
    return Element.request if real.__name__ == "request" else lambda context: context


@mutation(MakeBeforeBreak, "request")
def break_before_make(real: Any) -> Any:
    """A connection that moves is closed before there is another."""

    async def request(self: Any, call: Any, request: Any, next: Any) -> Any:
        stood = call.life.last
        if stood is not None and request.connection.endpoint not in ("", stood.endpoint):
            await next.close(replace(call, to="", channel=None), stood)
            call.life.slots.clear()
        return await next.request(call, request)

    return request


@mutation(Backoff, "pause")
def no_pause(real: Any) -> Any:
    """What failed is tried again at once, for ever."""
    return lambda self: 0.0


@mutation(update_path, "_restore")
def answers_keep_the_callees_view(real: Any) -> Any:
    """The asker gets a connection back as the next hop sees it."""
    return lambda conn, index: conn


@mutation(trim_path, "_trimmed")
def longer_ways_leave_their_end(real: Any) -> Any:
    """A path keeps the hops of an earlier, longer way behind its end."""
    return lambda conn: conn


@mutation(client, "what_stood", (Memory, "recall"))
def client_begins_afresh(real: Any) -> Any:
    """A client that was started again knows nothing of the vWires it had."""

    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    return nothing


@mutation(client, "looked_at")
def what_stood_is_believed(real: Any) -> Any:
    """A client that was started again believes that what it had still carries."""

    async def believed(stood: Any, *_: object) -> Any:
        return stood

    return believed
