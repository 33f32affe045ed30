"""Faults in what is built in kernels, and in what is known of it."""

from typing import Any

from nsm.components.forwarder import collecting
from nsm.components.forwarder import program as forwarder
from nsm.dataplane import plan
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.ops import DelRule
from nsm.dataplane.vnis import Vnis
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.mechanism import ReceiveFiles
from nsm.sdk import Element

from .mutation import mutation


@mutation(NodeKey, "read")
def ledger_is_not_read(real: Any) -> Any:
    """A forwarder that was started again takes nothing that stands for its own."""
    return lambda self, alias: None


@mutation(collecting, "sweep")
def collector_takes_the_living(real: Any) -> Any:
    """What stands is collected, whether it is needed or not."""
    return lambda kernel, spaces, key, needed: real(kernel, spaces, key, lambda found: False)


@mutation(collecting, "tidy")
def remnants_are_left(real: Any) -> Any:
    """What interfaces leave behind when they go is nobody's business."""

    async def tidy(*_: object) -> tuple[()]:
        return ()

    return tidy


@mutation(forwarder, "collect")
def nothing_is_collected(real: Any) -> Any:
    """What a dead forwarder has left behind stays for ever."""

    async def collect(*_: object) -> None:
        return None

    return collect


@mutation(Vnis, "allocate")
def vni_is_not_remembered(real: Any) -> Any:
    """Each refresh of a tunnel is given another VNI."""

    def allocate(self: Any, connection: str, draw: Any) -> int:
        self.release(connection)
        return real(self, connection, draw)

    return allocate


@mutation(Vnis, "release")
def vni_is_not_given_back(real: Any) -> Any:
    """The VNI of a connection that is no more stays in use."""
    return lambda self, connection: None


@mutation(plan, "undo")
def rules_are_left(real: Any) -> Any:
    """The policy rules of a vWire stay when it is removed."""
    return lambda ops: tuple(op for op in real(ops) if not isinstance(op, DelRule))


@mutation(JoinNamespaces, "close")
def wires_are_left(real: Any) -> Any:
    """A vWire that is closed stays in the kernel."""
    return Element.close


@mutation(JoinNamespaces, "request")
def failed_refresh_closes(real: Any) -> Any:
    """A refresh that fails on its way back closes what stood further on."""

    async def request(self: Any, call: Any, request: Any, next: Any) -> Any:
        if call.life.last is None:
            return await real(self, call, request, next)
        return await self._first(call, request, next)

    return request


@mutation(ReceiveFiles, "close")
def files_are_kept(real: Any) -> Any:
    """The file of a client's namespace stays open when its connection is closed."""
    return Element.close


@mutation(plan, "refresh")
def refresh_changes_nothing(real: Any) -> Any:
    """A vWire that somebody has damaged is taken for whole when it is refreshed."""
    return lambda wanted, seen, before=(): ()
