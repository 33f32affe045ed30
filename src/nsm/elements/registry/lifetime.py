"""Every record's life, lived one event at a time: what `BeginRegistration` stands on (W §2.2).

Exclusivity: one event of a name at a time. Order: as asked for. What is unregistered is what was
last answered, whatever the caller sends; a name not known here is passed on as it came, so that a
restarted program can take back what it said. Fired events use the latest call that succeeded, with
its token path as it came; one that is meant for an earlier answer does nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Generic

from nsm.api.registration import Endpoint, R
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Lanes, Life, Registry, Tasks
from nsm.sdk.call import Change, TokenPath


class Lifetimes(Generic[R]):
    """All records registered through one chain, by name."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self.lanes = Lanes()
        self.known: dict[str, Lifetime[R]] = {}

    def __len__(self) -> int:
        return len(self.known)

    def of(self, other: "Lifetime[R]") -> "Lifetime[R]":
        """The life known under the same name, or else this one."""
        return self.known.get(other.name, other)


@dataclass(frozen=True, slots=True)
class _Said(Generic[R]):
    """What a fired event says again: `patience` is how long its caller was ready to wait."""

    call: Call
    patience: float | None
    record: R


class Lifetime(Generic[R]):
    """One record from first registration to last; to be used inside its lane."""

    def __init__(self, among: Lifetimes[R], name: str, next: Registry[R]) -> None:
        self.among: Lifetimes[R] = among
        self.name = name
        self.next: Registry[R] = next
        self.life = Life(self.refresh_soon, self.close_soon, self.again)
        self._said: _Said[R] | None = None
        self._wanted = False
        self._busy: asyncio.Task[None] | None = None

    @property
    def current(self) -> bool:
        """Whether it is registered, and was not unregistered since."""
        return self.among.known.get(self.name) is self

    async def register(self, call: Call, record: R) -> R:
        """Pass on; if it succeeds, that is what fired events will say."""
        call = _with_path(call)
        came = as_it_came(call)
        patience = None if call.deadline is None else call.deadline - self.among.clock.ticks()
        answer: R = await self.next.register(call.within(self.life), record)
        self._said = _Said(came, patience, _next_time(answer, self.name))
        self.life.last = answer
        self.among.known[self.name] = self
        return answer

    async def unregister(self, call: Call, record: R) -> None:
        """Pass on what was last answered, and forget it; if that fails, it can be tried again."""
        known = self._said.record if self._said else record
        await self.next.unregister(_with_path(call).within(self.life), known)
        self._forget()

    def hush(self) -> bool:
        """Say nothing more of our own accord until asked to; whether there was something to say."""
        busy, self._busy, self._wanted = self._busy, None, False
        return busy is not None and busy.cancel()

    def refresh_soon(self) -> None:
        """Register again, in a task."""
        self._wanted = True
        if self._busy is None or self._busy.done():
            self._busy = self.among.tasks.start(f"register {self.name} again", self._refresh())

    def close_soon(self) -> None:
        """Unregister, in a task, unless it is registered anew before its turn comes."""
        self.among.tasks.start(f"unregister {self.name}", self._close(self._said))

    async def again(self, change: Change | None) -> R | None:
        """Register again and wait; None if it is gone. Records have no change to be asked for."""
        async with self.among.lanes.enter(self.name):
            if not (self.current and self._said):
                return None
            return await self.register(self._now(self._said), self._said.record)

    async def _refresh(self) -> None:
        while self._wanted:
            self._wanted = False
            await self.again(None)

    async def _close(self, said: _Said[R] | None) -> None:
        async with self.among.lanes.enter(self.name):
            if not (self.current and said and said is self._said):
                return
            try:
                await self.unregister(self._now(said), said.record)
            finally:
                self._forget()

    def _forget(self) -> None:
        if self.current:
            del self.among.known[self.name]

    def _now(self, said: _Said[R]) -> Call:
        until = None if said.patience is None else self.among.clock.ticks() + said.patience
        return replace(as_it_came(said.call), deadline=until)


def _with_path(call: Call) -> Call:
    return call if call.tokens else replace(call, tokens=TokenPath())


def as_it_came(call: Call) -> Call:
    """The same call with a token path of its own, to be said again later."""
    path = call.tokens or TokenPath()
    return replace(call, tokens=TokenPath(path.index, [*path.tokens]))


def _next_time(answer: R, name: str) -> R:
    """All that was answered, under the name asked for; how long it lives is decided anew."""
    named = replace(answer, name=name)
    return replace(named, expiration_time=None) if isinstance(named, Endpoint) else named
