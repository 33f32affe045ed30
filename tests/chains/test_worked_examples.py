"""The worked examples of the wire contract (W §11), number by number, over channels in one process."""

import asyncio

import pytest

from nsm.api.connection import DOWN, UP, Connection, Request
from nsm.api.monitoring import DELETE, INITIAL_STATE_TRANSFER, UPDATE, Selector
from nsm.chains.testing import Domain
from nsm.sdk import Call
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime


def local() -> Domain:
    return Domain(LoopClock(), nm=["fwd"], fwd=["nse"], nse=[])


def asked(call: str = "nsc-0") -> Request:
    return Request(Connection(id=call, network_service="svc"))


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


def ids(conn: Connection) -> list[str]:
    return [segment.id for segment in conn.hops.segments]


def tokens(conn: Connection) -> list[str]:
    return [segment.token.replace("spiffe://test/", "") for segment in conn.hops.segments]


async def test_a_local_connection_has_four_segments_signed_for_the_next_hop() -> None:
    domain = local()
    conn = await domain.client("nsc", "nm").request(Call(), asked())
    assert (conn.id, conn.hops.index, conn.state) == ("nsc-0", 0, UP)
    assert names(conn) == ["nsc", "nm", "fwd", "nse"]
    assert ids(conn)[0] == "nsc-0"
    assert len(set(ids(conn))) == 4
    assert tokens(conn) == ["nsc→nm", "nm→fwd", "fwd→nse", "nse→fwd"]
    assert all(segment.expires for segment in conn.hops.segments)
    await domain.stop()
