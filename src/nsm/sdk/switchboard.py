"""Which URLs lead to programs in this very process."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nsm.errors import Unreachable
from nsm.sdk.call import Peer
from nsm.sdk.channel import Channel, Dialer, Offer
from nsm.sdk.clock import Clock
from nsm.sdk.inprocess import InProcess, Party
from nsm.sdk.tasks import Tasks


@dataclass(eq=False)
class _Plugged:
    offer: Offer
    peer: Callable[[], Peer]
    channels: dict[int, InProcess] = field(default_factory=dict)


class Switchboard:
    """Programs plug in what they offer, by URL, and dial each other; `tasks` run their answers."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self._plugged: dict[str, _Plugged] = {}
        self._gone: dict[int, Party] = {}  # kept, so that no other party gets the same id

    def plug(self, url: str, offer: Offer, peer: Callable[[], Peer]) -> None:
        """From now on `url` leads to `offer`, whose program shows the certificate of `peer`."""
        self.unplug(url)
        self._plugged[url] = _Plugged(offer, peer)

    def unplug(self, url: str) -> None:
        """The program is gone: channels to it break, as sockets would."""
        if plugged := self._plugged.pop(url, None):
            for channel in plugged.channels.values():
                channel.sever()

    def hang_up(self, caller: Party) -> None:
        """The caller is gone: its channels break, and it gets no others."""
        self._gone[id(caller)] = caller
        for plugged in self._plugged.values():
            if channel := plugged.channels.pop(id(caller), None):
                channel.sever()

    def dialer(self, caller: Party, otherwise: Dialer | None = None) -> Dialer:
        """The dialer of one program: in here where the URL is known, `otherwise` elsewhere."""
        return _Dialer(self, caller, otherwise)

    def channel(self, url: str, caller: Party) -> InProcess | None:
        """The one channel between those two, made when first asked for."""
        plugged = self._plugged.get(url)
        if plugged is None or id(caller) in self._gone:
            return None
        channel = plugged.channels.get(id(caller))
        if channel is None:
            channel = InProcess(plugged.offer, caller, plugged.peer, self.tasks, self.clock)
            plugged.channels[id(caller)] = channel
        return channel


@dataclass(frozen=True)
class _Dialer:
    switchboard: Switchboard
    caller: Party
    otherwise: Dialer | None

    async def dial(self, url: str, timeout: float | None = None) -> Channel:
        if channel := self.switchboard.channel(url, self.caller):
            return channel
        if self.otherwise is not None:  # a dialer may have a length, and that be 0
            return await self.otherwise.dial(url, timeout)
        raise Unreachable(f"nothing is plugged in at {url}")
