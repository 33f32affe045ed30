"""Hypothesis strategies for nouns."""

from dataclasses import fields
from functools import partial

from hypothesis import strategies as st

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.context import (
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
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.registration import Answer, Destination, Endpoint, Match, NetworkService, Query
from nsm.api.timestamp import Timestamp

text = st.text(st.characters(codec="utf-8"), max_size=8)
texts = st.lists(text, max_size=3).map(tuple)
labels = st.dictionaries(text, text, max_size=3)
flags = st.booleans()
int32 = st.integers(-(2**31), 2**31 - 1)
uint32 = st.integers(0, 2**32 - 1)
rests = st.sampled_from([b"", b"\x98\x06\x01", b"\xa2\x06\x02hi", b"\xc3\x06\xa8\x06\x09\xc4\x06"])
moments = st.builds(Timestamp, st.integers(-(2**63), 2**63 - 1), int32)


def many(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=2).map(tuple)


def built(kind: type, **parts: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """A noun: text where nothing is said of a field, and a rest now and then."""
    said = {field.name: parts.get(field.name, text) for field in fields(kind)}
    return st.builds(kind, **(said | {"rest": rests}))


maybe = partial(st.one_of, st.none())
segment = built(Segment, expires=maybe(moments), metrics=labels)
path = built(Path, index=uint32, segments=many(segment))
mechanism = built(Mechanism, parameters=labels)
route = built(Route)
policy = built(PolicyRoute, routes=many(route))
wish = built(
    ExtraPrefixRequest,
    family=maybe(int32),
    prefix_len=uint32,
    required_number=uint32,
    requested_number=uint32,
)
ip = built(
    IpContext,
    src_ip_addrs=texts,
    dst_ip_addrs=texts,
    src_ip_required=flags,
    dst_ip_required=flags,
    src_routes=many(route),
    dst_routes=many(route),
    excluded_prefixes=texts,
    ip_neighbors=many(built(IpNeighbor)),
    extra_prefix_request=many(wish),
    extra_prefixes=texts,
    policies=many(policy),
)
dns = built(DnsContext, configs=many(built(DnsConfig, dns_server_ips=texts, search_domains=texts)))
context = built(
    ConnectionContext,
    ip_context=maybe(ip),
    dns_context=maybe(dns),
    ethernet_context=maybe(built(EthernetContext, vlan_tag=int32)),
    extra_context=labels,
    mtu=uint32,
)
connection = built(
    Connection,
    mechanism=maybe(mechanism),
    context=maybe(context),
    labels=labels,
    path=maybe(path),
    state=int32,
)
request = built(Request, connection=connection, preferences=many(mechanism))
event = built(
    ConnectionEvent, type=int32, connections=st.dictionaries(text, connection, max_size=2)
)
selector = built(Selector, path_segments=many(segment), network_services=texts)
labelled = st.builds(Labels, labels, rests)
match = built(
    Match,
    source_selector=labels,
    routes=many(built(Destination, destination_selector=labels, weight=uint32)),
    fallthrough=flags,
    metadata=maybe(labelled),
)
service = built(NetworkService, matches=many(match), path_ids=texts)
endpoint = built(
    Endpoint,
    network_service_names=texts,
    network_service_labels=st.dictionaries(text, labelled, max_size=2),
    expiration_time=maybe(moments),
    initial_registration_time=maybe(moments),
    path_ids=texts,
)
nouns = st.one_of(
    request,
    event,
    selector,
    *(built(Query, like=record, watch=flags) for record in (service, endpoint)),
    *(built(Answer, record=record, deleted=flags) for record in (service, endpoint)),
)
