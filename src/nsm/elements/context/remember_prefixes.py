"""Keep one client's vWires out of each other's way."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from nsm.api import cidr
from nsm.api.context import IpContext
from nsm.api.mechanism import NAME, Mechanism
from nsm.api.names import NsUrl
from nsm.errors import Exhausted, NsmError
from nsm.pools import Prefixes
from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


@dataclass(frozen=True, slots=True)
class _Use:
    """What one connection occupies; those of one group may overlap."""

    group: int | None
    prefixes: frozenset[str]


class RememberPrefixes(Element):
    """Ask for each vWire to keep clear of the others, and refuse an answer that does not (W §2.1).

    `groups` are awareness groups: services in one group are known to fit together.
    """

    def __init__(self, groups: Sequence[Collection[NsUrl]] = ()) -> None:
        self.groups = groups
        self.used: dict[str, _Use] = {}
        self.all = Prefixes()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        group = self._group(request)
        foreign = self._foreign(asked, group).fewest()
        merged = dict.fromkeys((*asked.ip.excluded_prefixes, *foreign))
        excluding = replace(asked.ip, excluded_prefixes=tuple(merged))
        conn = await next.request(call, request.carrying(asked.with_ip(excluding)))
        if call.life.last is None:
            async with closing_on_error(next, call, conn):
                self._check(conn, group)
        else:
            self._check(conn, group)
        told = {*conn.ip.excluded_prefixes} - merged.keys()  # on the way, and not by us
        self._use(conn.id, _Use(group, _occupied(conn.ip) | told))
        return conn.with_ip(replace(conn.ip, excluded_prefixes=asked.ip.excluded_prefixes))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, conn)
        self._use(conn.id, None)

    def _group(self, request: Request) -> int | None:
        found = (n for n, group in enumerate(self.groups) if any(_means(u, request) for u in group))
        return next(found, None)

    def _use(self, id: str, now: _Use | None) -> None:
        """Remember what a connection occupies now; None: nothing."""
        if before := self.used.pop(id, None):
            self.all.remove(before.prefixes)
        if now:
            self.used[id] = now
            self.all.add(now.prefixes)

    def _foreign(self, conn: Connection, group: int | None) -> Prefixes:
        """What other connections occupy, less what is this one's already."""
        own = {*conn.ip.src_ip_addrs, *conn.ip.dst_ip_addrs}
        if group is None and conn.id not in self.used and not own:
            return self.all
        return Prefixes(p for p in self._others(conn, group) if p not in own)

    def _others(self, conn: Connection, group: int | None) -> Iterator[str]:
        for key, use in self.used.items():
            if key != conn.id and (group is None or use.group != group):
                yield from use.prefixes

    def _check(self, conn: Connection, group: int | None) -> None:
        """Raise if the answer has an address that another vWire of ours has by now."""
        simple = group is None and conn.id not in self.used
        taken = self.all if simple else Prefixes(self._others(conn, group))
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
