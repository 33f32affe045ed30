"""What is handed out and given back: addresses and numbers; nothing is listed, only ranges."""

from nsm.pools.addresses import AddressPool
from nsm.pools.numbers import NumberPool

__all__ = ["AddressPool", "NumberPool"]
