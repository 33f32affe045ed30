"""Addresses for vWires, from prefixes tried in the order given, the lowest free one first.

The first and the last address of a prefix are as good as any: between two hosts there is neither
network nor broadcast (W §2.1).
"""

from collections.abc import Iterable, Sequence

from nsm.api.cidr import Address, Network
from nsm.errors import Exhausted
from nsm.pools.ranges import Ranges


class AddressPool:
    """Hands out addresses of `networks`, each to one holder; a later network is the overflow."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._lanes: list[_Lane] = []
        for network in networks:
            lane = _Lane(network)
            for earlier in self._lanes:
                if earlier.version == lane.version:
                    lane.leave_to(earlier)
            self._lanes.append(lane)

    def __len__(self) -> int:
        """How many addresses are handed out."""
        return sum(len(lane.held) for lane in self._lanes)

    @property
    def left(self) -> int:
        """How many could still be handed out."""
        return sum(lane.left for lane in self._lanes)

    def __contains__(self, address: Address) -> bool:
        """Whether the address is one of ours, free or not."""
        return any(lane.owns(address) for lane in self._lanes)

    @property
    def taken(self) -> list[Address]:
        """Every address that is handed out."""
        return [lane.kind(number) for lane in self._lanes for number in lane.held]

    def is_free(self, address: Address) -> bool:
        """Whether the address is ours to give."""
        return any(lane.has(address) for lane in self._lanes)

    def take(self, excluding: Sequence[Network] = ()) -> Address:
        """The lowest free address outside `excluding`."""
        return self.take_all(1, excluding)[0]

    def take_pair(self, excluding: Sequence[Network] = ()) -> tuple[Address, Address]:
        """Two of one network: by custom the endpoint's, then the client's."""
        first, second = self.take_all(2, excluding)
        return first, second

    def take_all(self, count: int, excluding: Sequence[Network] = ()) -> list[Address]:
        """So many of one network, or none at all."""
        for lane in self._lanes:
            if taken := lane.take(count, _spans(lane.version, excluding)):
                return taken
        raise Exhausted(
            f"no {count} free addresses in {', '.join(str(lane.network) for lane in self._lanes)}",
            fix="add a prefix, or exclude less",
        )

    def claim(self, *addresses: Address) -> bool:
        """Take these very addresses, of one network; False, and none taken, where one is held."""
        for lane in self._lanes:
            if all(map(lane.has, addresses)) and len(set(addresses)) == len(addresses):
                for address in addresses:
                    lane.hold(int(address))
                return True
        return False

    def give_back(self, *addresses: Address) -> None:
        """Let others have them; what was not handed out is ignored."""
        for address in addresses:
            for lane in self._lanes:
                lane.let_go(address)


class _Lane:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.version = network.version
        self.kind = type(network.network_address)
        self.span = int(network.network_address), int(network.broadcast_address)
        self.free = Ranges(self.span)
        self.held: set[int] = set()
        self.others = Ranges()

    def leave_to(self, earlier: "_Lane") -> None:
        self.free.remove(*earlier.span)
        self.others.add(*earlier.span)

    @property
    def left(self) -> int:
        return sum(last - first + 1 for first, last in self.free)

    def owns(self, address: Address) -> bool:
        number = int(address)
        within = self.span[0] <= number <= self.span[1] and number not in self.others
        return within and address.version == self.version

    def has(self, address: Address) -> bool:
        return address.version == self.version and int(address) in self.free

    def take(self, count: int, without: Ranges) -> list[Address]:
        taken: list[int] = []
        while len(taken) < count:
            number = self.free.lowest(without)
            if number is None:
                self.release(taken)
                return []
            self.hold(number)
            taken.append(number)
        return [self.kind(number) for number in taken]

    def hold(self, number: int) -> None:
        self.free.remove(number, number)
        self.held.add(number)

    def let_go(self, address: Address) -> None:
        if address.version == self.version and int(address) in self.held:
            self.release([int(address)])

    def release(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.held.remove(number)
            self.free.add(number, number)


def _spans(version: int, networks: Iterable[Network]) -> Ranges:
    same = (network for network in networks if network.version == version)
    return Ranges(*((int(n.network_address), int(n.broadcast_address)) for n in same))
