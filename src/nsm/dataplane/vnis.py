"""The VNIs of a node: the kernel refuses one already used on a port, whatever the remote."""

from collections.abc import Callable, Iterator

from nsm.dataplane.driver import VniTaken
from nsm.errors import Exhausted

TRIES = 64


class Vnis:
    """Who uses which VNI here, by connection. The accepting side draws; the other must hold."""

    def __init__(self) -> None:
        self._of: dict[str, int] = {}
        self._owner: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Who uses which, in pairs."""
        return iter(list(self._of.items()))

    def __contains__(self, connection: str) -> bool:
        """Whether the connection has one."""
        return connection in self._of

    def allocate(self, connection: str, draw: Callable[[], int]) -> int:
        """The connection's VNI, drawn (with the parity that W §1.3 asks for) until one is free."""
        if (known := self._of.get(connection)) is not None:
            return known
        for _ in range(TRIES):
            vni = draw()
            if vni and vni not in self._owner:
                self.hold(connection, vni)
                return vni
        raise Exhausted(f"no free VNI in {TRIES} draws; {len(self)} are in use on this node")

    def hold(self, connection: str, vni: int) -> None:
        """Note a VNI that was chosen elsewhere or found again; VniTaken when it is another's."""
        if self._owner.get(vni, connection) != connection:
            raise VniTaken(f"this node uses VNI {vni} already")
        self.release(connection)
        self._of[connection] = vni
        self._owner[vni] = connection

    def release(self, connection: str) -> None:
        """The connection is gone; unknown ones are no error."""
        vni = self._of.pop(connection, None)
        if vni is not None:
            del self._owner[vni]
