"""Bytes worked out by hand from the field numbers: tag = number * 8 + wire type."""

import pytest

from nsm.api.connection import DOWN, Connection, Path, Request, Segment
from nsm.api.context import (
    IPV6,
    ConnectionContext,
    DnsConfig,
    DnsContext,
    EthernetContext,
    ExtraPrefixRequest,
    IpContext,
    IpNeighbor,
    PolicyRoute,
    Route,
)
from nsm.api.labels import Labels
from nsm.api.mechanism import Mechanism
from nsm.api.monitoring import DELETE, ConnectionEvent, Selector
from nsm.api.prefixes import ALLOCATE, PrefixRequest, PrefixResponse
from nsm.api.registration import Answer, Destination, Endpoint, Match, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.wire import decode, encode
from nsm.wire.health import SERVING, HealthAnswer, HealthQuestion
from nsm.wire.nouns import _kind
from nsm.wire.workload import JwtBundlesResponse, JwtSvidRequest, X509Svid, X509SvidResponse

HAND = [
    (None, ""),
    (Mechanism("L", "K", {"k": "v"}), "0a014c 12014b 1a06 0a016b 120176"),
    (
        Connection(
            id="i",
            network_service="s",
            mechanism=Mechanism("L"),
            context=ConnectionContext(mtu=1500),
            labels={"k": "v"},
            path=Path(1, (Segment("n", "i", "t", Timestamp(1, 2), {"m": "1"}),)),
            endpoint="e",
            payload="IP",
            state=DOWN,
        ),
        "0a0169 120173 1a03 0a014c 2203 28dc0b 2a06 0a016b 120176"
        "321b 0801 1217 0a016e 120169 1a0174 2204 0801 1002 2a06 0a016d 120131"
        "3a0165 42024950 4801",
    ),
    (Request(Connection(id="i"), (Mechanism("L"),)), "0a03 0a0169 1203 0a014c"),
    (Connection(path=Path()), "3200"),
    (Connection(path=Path(segments=(Segment(expires=Timestamp(0)),))), "3204 1202 2200"),
    (
        Connection(
            context=ConnectionContext(
                IpContext(
                    ("s",),
                    ("d",),
                    True,
                    True,
                    (Route("p", "h"),),
                    (Route("q"),),
                    ("x",),
                    (IpNeighbor("i", "m"),),
                    (ExtraPrefixRequest(IPV6, 24, 1, 2),),
                    ("y",),
                    (PolicyRoute("f", "6", "80", "1-2", (Route("r"),)),),
                )
            )
        ),
        "2249 0a47 0a0173 120164 1801 2001 2a06 0a0170 120168 3203 0a0171 3a0178"
        "4206 0a0169 12016d 4a0a 0a02 0801 1018 1801 2002 520179"
        "5a14 0a0166 120136 1a023830 2203312d32 2a03 0a0172",
    ),
    (
        Connection(
            context=ConnectionContext(
                dns_context=DnsContext((DnsConfig(("i",), ("d",)),)),
                ethernet_context=EthernetContext("a", "b", -1),
                extra_context={"k": "v"},
            )
        ),
        "2225 1208 0a06 0a0169 120164 1a11 0a0161 120162 18ffffffffffffffffff01 2206 0a016b 120176",
    ),
    (ConnectionEvent(DELETE, {"k": Connection(id="i")}), "0802 1208 0a016b 1203 0a0169"),
    (Selector((Segment(id="i"),), ("s",)), "0a03 120169 120173"),
    (
        NetworkService(
            "n",
            "IP",
            (Match({"k": "v"}, (Destination({"a": "b"}, 3),), True, Labels()),),
            ("p",),
        ),
        "0a016e 12024950 1a18 0a06 0a016b 120176 120a 0a06 0a0161 120162 1003 1801 2200 220170",
    ),
    (
        Endpoint("n", ("s",), {"s": Labels({"k": "v"})}, "u", Timestamp(1), Timestamp(-1), ("p",)),
        "0a016e 120173 1a0d 0a0173 1208 0a06 0a016b 120176 220175"
        "2a02 0801 320b 08ffffffffffffffffff01 3a0170",
    ),
    (Query(NetworkService("n"), watch=True), "0a03 0a016e 1001"),
    (Query(Endpoint("n"), watch=True), "0a03 0a016e 1001"),
    (Answer(NetworkService("n"), deleted=True), "0a03 0a016e 1001"),
    (Answer(Endpoint("n"), deleted=True), "0a03 0a016e 1001"),
    (PrefixRequest(ALLOCATE, "p", ("x",)), "0801 120170 1a0178"),
    (PrefixResponse("p", ("x",)), "120170 1a0178"),
    (HealthQuestion("s"), "0a0173"),
    (HealthAnswer(SERVING), "0801"),
    (
        X509SvidResponse((X509Svid("i", b"c", b"k", b"b", "h"),), (b"r",), {"t": b"f"}),
        "0a0f 0a0169 120163 1a016b 220162 2a0168 120172 1a06 0a0174 120166",
    ),
    (JwtSvidRequest(("a", "b"), "i"), "0a0161 0a0162 120169"),
    (JwtBundlesResponse({"t": b"f"}), "0a06 0a0174 120166"),
]


@pytest.mark.parametrize(("noun", "by_hand"), HAND, ids=[type(noun).__name__ for noun, _ in HAND])
def test_a_noun_is_the_bytes_worked_out_by_hand(noun: object, by_hand: str) -> None:
    assert encode(noun).hex(" ") == bytes.fromhex(by_hand).hex(" ")


@pytest.mark.parametrize(("noun", "by_hand"), HAND, ids=[type(noun).__name__ for noun, _ in HAND])
def test_the_bytes_worked_out_by_hand_are_the_noun(noun: object, by_hand: str) -> None:
    assert decode(_kind(noun), bytes.fromhex(by_hand)) == noun
