"""Keep one client's vWires out of each other's way."""

from collections.abc import Collection, Sequence

from nsm.api import cidr
from nsm.api.context import IpContext
from nsm.api.mechanism import NAME, Mechanism
from nsm.api.names import NsUrl
from nsm.errors import Exhausted, NsmError
from nsm.nouns import replace
from nsm.pools import Occupied
from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


class RememberPrefixes(Element):
    """Ask for each vWire to keep clear of the others, and refuse an answer that does not (W §2.1).

    `groups` are awareness groups: services in one group are known to fit together.
    """

    def __init__(self, groups: Sequence[Collection[NsUrl]] = ()) -> None:
        self.groups = groups
        self.occupied = Occupied(len(groups))

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        group = self._group(request)
        foreign = self._foreign(asked, group)
        merged = dict.fromkeys((*asked.ip.excluded_prefixes, *foreign))
        excluding = replace(asked.ip, excluded_prefixes=tuple(merged))
        conn = await next.request(call, request.carrying(asked.with_ip(excluding)))
        if call.life.last is None:
            async with closing_on_error(next, call, conn):
                self._check(conn, group)
        else:
            self._check(conn, group)
        told = {*conn.ip.excluded_prefixes} - merged.keys()  # on the way, and not by us
        self.occupied.occupy(conn.id, group, _occupied(conn.ip) | told)
        return conn.with_ip(replace(conn.ip, excluded_prefixes=asked.ip.excluded_prefixes))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, conn)
        self.occupied.leave(conn.id)

    def _group(self, request: Request) -> int | None:
        found = (n for n, group in enumerate(self.groups) if any(_means(u, request) for u in group))
        return next(found, None)

    def _foreign(self, conn: Connection, group: int | None) -> tuple[str, ...]:
        """What other connections occupy, in few words, less what is this one's already."""
        own = {*conn.ip.src_ip_addrs, *conn.ip.dst_ip_addrs}
        with self.occupied.others(conn.id, group) as taken:
            again = [address for address in own for _ in range(taken.count(address))]
            with taken.without(again):
                return tuple(taken.fewest())

    def _check(self, conn: Connection, group: int | None) -> None:
        """Raise if the answer has an address that another vWire of ours has by now."""
        with self.occupied.others(conn.id, group) as taken:
            for address in (*conn.ip.src_ip_addrs, *conn.ip.dst_ip_addrs):
                if _is_host(address) and address in taken:
                    raise _conflict(conn, address)


def _conflict(conn: Connection, address: str) -> NsmError:
    return Exhausted(
        f"{conn.endpoint or 'the endpoint'} gave {address}, which another vWire has",
        fix="ask again; services that may share addresses belong in one awareness group",
    )


def _occupied(ip: IpContext) -> frozenset[str]:
    routes = (route.prefix for route in (*ip.src_routes, *ip.dst_routes))
    hosts = (prefix for prefix in routes if _is_host(prefix))
    return frozenset((*ip.src_ip_addrs, *ip.dst_ip_addrs, *hosts))


def _is_host(prefix: str) -> bool:
    found = cidr.prefix(prefix)
    return found.prefixlen == found.max_prefixlen


def _means(url: NsUrl, request: Request) -> bool:
    asked = request.connection
    mechanism = asked.mechanism or next(iter(request.preferences), Mechanism())
    return (
        (url.mechanism, url.service) == (mechanism.type, asked.network_service)
        and url.interface in ("", mechanism.get(NAME))
        and url.labels.items() <= asked.labels.items()
    )
