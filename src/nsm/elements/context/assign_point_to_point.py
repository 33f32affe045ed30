"""Addresses for both ends of a vWire."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from nsm.api import cidr
from nsm.api.cidr import Address, Network
from nsm.api.context import IpContext, Route
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.pools import AddressPool, Pair
from nsm.sdk import Call, Connection, Element, Handler, Request

MOST_RECOVERED = 16
"""Addresses of each end that are looked at for a pair that was ours before."""


class AssignPointToPoint(Element):
    """Give the endpoint one address and the client the next, one pair from one group (W §13.5).

    A pair the connection brings along is taken again if it is free; one that has come to be
    excluded is exchanged. Several groups, as for dual stack, are several of these.
    """

    def __init__(self, group: Iterable[Network]) -> None:
        networks = tuple(group)
        if not networks:
            raise Invalid("a group without prefixes has no addresses", fix="name a prefix")
        self.pool = AddressPool(networks)
        # By id and not in the life: a close that failed must not lose addresses for good.
        self.held: dict[str, Pair] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        excluded = [cidr.prefix(text) for text in asked.ip.excluded_prefixes]
        old, ip = self.held.get(asked.id), asked.ip
        if old and not old.within(excluded):
            return await next.request(call, request.carrying(asked.with_ip(_with_pair(ip, old))))
        if old:
            ip = ip.without({old.dst, old.src})
        new = self._recovered(ip, excluded) or Pair(*self.pool.take_pair(excluded))
        try:
            conn = await next.request(call, request.carrying(asked.with_ip(_with_pair(ip, new))))
        except BaseException:
            self._free(new)
            raise
        if old:
            self._free(old)
        self.held[asked.id] = new
        return conn

    def handed_out(self) -> Iterator[tuple[str, str]]:
        """Every address of ours that is not free, and the connection it was given to, if any."""
        holders = {str(a): id for id, pair in self.held.items() for a in (pair.dst, pair.src)}
        yield from ((holders.get(text, ""), text) for text in map(str, self.pool.taken))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        finally:
            self.let_go(conn.id)

    def hold(self, id: str, pair: Pair) -> bool:
        """Keep this very pair for a connection; False where it has one, or this is not free."""
        if id in self.held or not self.pool.claim(pair.dst, pair.src):
            return False
        self.held[id] = pair
        return True

    def let_go(self, id: str) -> None:
        """Let others have what a connection has."""
        if pair := self.held.pop(id, None):
            self._free(pair)

    def may_have(self, id: str, address: Address) -> bool:
        """Whether the connection has this address from us, or may be given it."""
        held = self.held.get(id)
        return self.pool.is_free(address) or (held is not None and address in (held.dst, held.src))

    def _recovered(self, ip: IpContext, excluded: Sequence[Network]) -> Pair | None:
        """A pair among the addresses that came, if both are ours to give."""
        for dst in self._free_among(ip.dst_ip_addrs):
            for src in self._free_among(ip.src_ip_addrs):
                if not Pair(dst, src).within(excluded) and self.pool.claim(dst, src):
                    return Pair(dst, src)
        return None

    def _free_among(self, texts: Iterable[str]) -> list[Address]:
        found = (cidr.host(text) for text in texts)
        return list(islice((a for a in found if self.pool.is_free(a)), MOST_RECOVERED))

    def _free(self, pair: Pair) -> None:
        self.pool.give_back(pair.dst, pair.src)


def _with_pair(ip: IpContext, pair: Pair) -> IpContext:
    src, dst = _host(pair.src), _host(pair.dst)
    return replace(
        ip,
        src_ip_addrs=tuple(dict.fromkeys((*ip.src_ip_addrs, src))),
        dst_ip_addrs=tuple(dict.fromkeys((*ip.dst_ip_addrs, dst))),
        src_routes=tuple(dict.fromkeys((*ip.src_routes, Route(dst)))),
        dst_routes=tuple(dict.fromkeys((*ip.dst_routes, Route(src)))),
    )


def _host(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"
