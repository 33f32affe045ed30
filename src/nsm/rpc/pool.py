"""Channels to other programs, shared by everyone in this one who asks."""

import asyncio
import os
from functools import partial
from typing import NamedTuple

from nsm.errors import NsmError, Unreachable
from nsm.rpc.channel import RpcChannel
from nsm.rpc.dialing import dialed
from nsm.rpc.target import Target, target_of
from nsm.rpc.tls import TlsSource
from nsm.sdk.channel import Tokens
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.tasks import Tasks

MOST_FILES = 128
"""Files sent after which a channel is not given out again: the peer may hold each for a while."""
PATIENCE = 15.0
"""Seconds an attempt may take in all, however long its callers would wait."""
IDLE, IDLE_RETIRED = 300.0, 30.0
"""Seconds without a call after which a channel is closed, in the pool and out of it."""


class _Key(NamedTuple):
    url: str
    epoch: int
    socket: tuple[int, int]


class Pool:
    """A `Dialer`: one channel for each URL and certificate of ours, made when first asked for.

    What is not given out any more stays open for those who have it, until they leave it idle.
    """

    def __init__(self, tls: TlsSource, tokens: Tokens, clock: Clock | None = None) -> None:
        self._tls = tls
        self._tokens = tokens
        self._clock = clock or Clock()
        self._tasks = Tasks()
        self._channels: dict[_Key, RpcChannel] = {}
        self._retired: set[RpcChannel] = set()
        self._attempts: dict[_Key, asyncio.Future[RpcChannel | NsmError]] = {}
        self._sweeping: Alarm | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._channels) + len(self._retired)

    async def dial(self, url: str, timeout: float | None = None) -> RpcChannel:
        """A channel, new or pooled, to a verified peer; Unreachable after `timeout` seconds."""
        if self._closed:
            raise Unreachable("this program is stopping")
        target = target_of(url)
        key = _Key(url, self._tls.epoch, _socket(target))
        if (channel := self._channels.get(key)) is not None and self._fit(channel):
            return channel
        attempt = self._attempts.get(key) or self._begin(key, target)
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.shield(attempt)
        except TimeoutError as error:
            raise Unreachable(f"{url} did not answer within {timeout:g} s") from error
        if isinstance(found, NsmError):  # others wait for it too: to each its own to add notes to
            raise type(found)(found.cause, hop=found.hop, fix=found.fix)
        return found

    async def close(self) -> None:
        """Hang up on everyone."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._tasks.stop()
        while self._attempts:  # whose tasks were stopped before they began
            self._attempts.popitem()[1].set_result(Unreachable("this program is stopping"))
        for channel in (*self._channels.values(), *self._retired):
            channel.close()
        self._channels.clear()
        self._retired.clear()

    def _begin(self, key: _Key, target: Target) -> asyncio.Future[RpcChannel | NsmError]:
        attempt: asyncio.Future[RpcChannel | NsmError]
        attempt = asyncio.get_running_loop().create_future()
        self._attempts[key] = attempt
        self._tasks.start(f"dialing {target}", self._attempt(key, target, attempt))
        return attempt

    async def _attempt(
        self, key: _Key, target: Target, attempt: asyncio.Future[RpcChannel | NsmError]
    ) -> None:
        found: RpcChannel | NsmError = Unreachable("this program is stopping")
        try:
            async with asyncio.timeout(PATIENCE):
                found = await dialed(target, self._tls, self._tokens, self._clock)
            found.again = partial(self.dial, key.url)
            self._keep(key, found)
        except TimeoutError:
            found = Unreachable(f"{target} did not answer within {PATIENCE:g} s")
        except NsmError as error:
            found = type(error)(f"{target}: {error.cause}", hop=error.hop, fix=error.fix)
        except Exception as error:
            found = Unreachable(f"{target} cannot be dialed: {error}")
            raise
        finally:
            del self._attempts[key]
            attempt.set_result(found)

    def _keep(self, key: _Key, channel: RpcChannel) -> None:
        if (before := self._channels.pop(key, None)) is not None:
            self._retired.add(before)
        self._channels[key] = channel
        if self._sweeping is None:
            self._sweeping = self._clock.after(IDLE_RETIRED, self._sweep)

    def _fit(self, channel: RpcChannel) -> bool:
        return channel.usable and (channel.files is None or channel.files.sent < MOST_FILES)

    def _sweep(self) -> None:
        for key, channel in list(self._channels.items()):
            if key.epoch != self._tls.epoch or not self._fit(channel):
                self._retired.add(self._channels.pop(key))
            elif channel.idle >= IDLE:
                self._channels.pop(key).close()
        for channel in list(self._retired):
            if channel.ended or channel.idle >= IDLE_RETIRED:
                channel.close()
                self._retired.discard(channel)
        self._sweeping = self._clock.after(IDLE_RETIRED, self._sweep) if len(self) else None


def _socket(target: Target) -> tuple[int, int]:
    """Which socket a path leads to now: `/proc/<pid>/fd/<n>` leads to another one tomorrow."""
    if not target.path:
        return (0, 0)
    try:
        found = os.stat(target.path)
    except OSError as error:
        raise Unreachable(f"{target} cannot be reached: {error.strerror}") from error
    return (found.st_dev, found.st_ino)
