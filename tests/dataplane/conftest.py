"""Connections and namespaces for plans that no kernel will see."""

import pytest

from nsm.api.connection import IP, Connection
from nsm.api.context import ConnectionContext, IpContext, Route
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import plan
from nsm.dataplane.fake import netns

DUAL = IpContext(
    src_ip_addrs=("172.16.1.1/32", "2001:db8::1/128"),
    dst_ip_addrs=("172.16.1.0/32", "2001:db8::/128"),
    src_routes=(Route("172.16.1.0/32"), Route("10.0.0.0/8"), Route("::/0")),
    dst_routes=(Route("172.16.1.1/32"), Route("2001:db8::1/128")),
)


def connection(ip: IpContext = DUAL, **changes: object) -> Connection:
    """A connection with that context; `mtu` goes into it, the rest beside it."""
    mtu = changes.pop("mtu", 0)
    known = {"id": "c-1", "payload": IP, **changes}
    return Connection(context=ConnectionContext(ip_context=ip, mtu=mtu), **known)


def vxlan(**parameters: str) -> Mechanism:
    """A VXLAN between two nodes."""
    known = {"src_ip": "100.64.0.1", "dst_ip": "100.64.0.2", "vni": "42", **parameters}
    return Mechanism(REMOTE, VXLAN, known)


@pytest.fixture
def client() -> plan.End:
    return plan.End(netns(), "nsm-1", "nsm1 client c 0 0 p")


@pytest.fixture
def endpoint() -> plan.End:
    return plan.End(netns(), "nsm-a", "nsm1 endpoint c 0 0 p")
