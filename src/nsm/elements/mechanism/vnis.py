"""VXLAN network identifiers this node has handed out, whoever of its forwarders did."""

from collections.abc import Callable
from secrets import randbits

from nsm.api.mechanism import Mechanism
from nsm.api.vni import HIGHEST, vni
from nsm.errors import Exhausted

TRIES = 64
"""Random numbers tried; in vain only if nearly all identifiers are taken."""


class Vnis:
    """One identifier a connection, none twice: the kernel refuses a VNI whatever its remote."""

    def __init__(self, random: Callable[[int], int] = randbits) -> None:
        self.random = random
        self.by_connection: dict[str, int] = {}
        self.taken: set[int] = set()

    def of(self, connection: str) -> int:
        """What the connection has; 0 for nothing."""
        return self.by_connection.get(connection, 0)

    def take(self, connection: str, tunnel: Mechanism, wanted: int = 0) -> int:
        """An identifier of the right parity for the connection, or the one wanted if it is free."""
        self.free(connection)
        number = wanted if wanted and wanted not in self.taken else self._new(tunnel)
        self.by_connection[connection] = number
        self.taken.add(number)
        return number

    def free(self, connection: str) -> None:
        """The connection needs none any more."""
        self.taken.discard(self.by_connection.pop(connection, 0))

    def _new(self, tunnel: Mechanism) -> int:
        for _ in range(TRIES):
            number = vni(tunnel, self.random(HIGHEST.bit_length()))
            if number and number not in self.taken:
                return number
        raise Exhausted(f"no free VNI after {TRIES} tries", hop=tunnel.get("dst_ip"))
