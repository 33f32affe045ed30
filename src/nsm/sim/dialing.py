"""How a program in a simulated mesh finds the way to others, as `rpc.Pool` does."""

import asyncio

from nsm.errors import NsmError, Unreachable
from nsm.identity.source import Source
from nsm.sdk import Tokens
from nsm.sim.channel import SimChannel
from nsm.sim.network import Listener, Network
from nsm.sim.process import Process

PATIENCE = 15.0
HANDSHAKE = 4
"""Messages to and fro before the first call."""


class SimDialer:
    """One channel for each place, made when first asked for, and again when it is lost."""

    def __init__(
        self, network: Network, process: Process, identity: Source, tokens: Tokens
    ) -> None:
        self.network = network
        self.process = process
        self.identity = identity
        self.tokens = tokens
        self.channels: dict[str, SimChannel] = {}
        self.attempts: dict[str, asyncio.Task[None]] = {}
        self.found: dict[str, SimChannel | NsmError] = {}

    async def dial(self, url: str, timeout: float | None = None) -> SimChannel:
        """A channel, new or pooled; Unreachable after `timeout` seconds."""
        if not self.process.alive:
            raise Unreachable("this program is no more")
        if (channel := self.channels.get(url)) and self._fits(url, channel):
            return channel
        attempt = self.attempts.get(url) or self._begin(url)
        done, _ = await asyncio.wait([attempt], timeout=timeout)
        found = self.found.get(url)
        if not done or found is None:
            raise Unreachable(f"{_shown(url)} did not answer within {timeout} s")
        if isinstance(found, NsmError):
            raise type(found)(found.cause, hop=found.hop, fix=found.fix)
        return found

    def _fits(self, url: str, channel: SimChannel) -> bool:
        if not channel.usable:
            return False
        listener = channel.wire.listener
        return listener.tcp or self._listener(url) is listener

    def _listener(self, url: str) -> Listener | None:
        return self.network.listeners.get(self.network.place(self.process.host, url))

    def _begin(self, url: str) -> asyncio.Task[None]:
        task = self.attempts[url] = self.process.tasks.start("dialing", self._attempt(url))
        self.found.pop(url, None)
        return task

    async def _attempt(self, url: str) -> None:
        found: SimChannel | NsmError = Unreachable("this program is stopping")
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._connected(url)
            self.channels[url] = found
        except TimeoutError:
            found = Unreachable(f"{_shown(url)} did not answer within {PATIENCE:g} s")
        except NsmError as error:
            found = error
        finally:
            self.attempts.pop(url, None)
            self.found[url] = found

    async def _connected(self, url: str) -> SimChannel:
        there = self.network.host_of(self.process.host, url)
        if there is None:
            await asyncio.sleep(PATIENCE)
            raise Unreachable(f"{_shown(url)} did not answer")
        here = self.process.host
        for _ in range(HANDSHAKE):
            while not self.network.carries(here, there):  # noqa: ASYNC110 -- as SYN does
                await asyncio.sleep(0.2)
            await asyncio.sleep(self.network.takes(here, there))
        wire = self.network.connect(self.process, url)
        return SimChannel(wire, self.tokens, self.identity.peer())


def _shown(url: str) -> str:
    return url if url.startswith("tcp") else "a socket"
