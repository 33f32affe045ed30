"""Names that come with a vWire."""

from nsm.api.context import ConnectionContext, DnsConfig, DnsContext
from nsm.elements.context.serve_names import ServeNames
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

OURS = DnsConfig(("10.20.0.5",), ("corp.example",))
THEIRS = DnsConfig(("10.96.0.10",))


async def test_our_servers_are_told_once_behind_those_that_came() -> None:
    entry = ServeNames([OURS]).bind(Recorder())
    asked = Connection("c", context=ConnectionContext(dns_context=DnsContext((THEIRS,)), mtu=1400))
    once = await entry.request(Call(), Request(asked))
    twice = await entry.request(Call(), Request(once))
    assert once == twice
    assert once.context == ConnectionContext(dns_context=DnsContext((THEIRS, OURS)), mtu=1400)


async def test_with_nothing_to_tell_nothing_is_added() -> None:
    conn = await ServeNames([]).bind(Recorder()).request(Call(), Request(Connection("c")))
    assert conn.context is None
