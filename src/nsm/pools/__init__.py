"""What is handed out and given back: addresses and numbers; nothing is listed, only ranges."""

from nsm.pools.addresses import AddressPool
from nsm.pools.numbers import NumberPool
from nsm.pools.occupied import Occupied
from nsm.pools.pairs import Pair
from nsm.pools.prefixes import Prefixes

__all__ = ["AddressPool", "NumberPool", "Occupied", "Pair", "Prefixes"]
