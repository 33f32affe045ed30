"""Asking for blocks of addresses, read from and written to the wire."""

from nsm.api.prefixes import PrefixRequest, PrefixResponse
from nsm.wire._gen import ipam_pb2 as pb
from nsm.wire.reader import Reader, texts
from nsm.wire.writer import extend, keep


def read_prefix_request(m: pb.PrefixRequest, reader: Reader) -> PrefixRequest:
    return PrefixRequest(m.type, m.prefix, texts(m.exclude_prefixes), reader.rest(m))


def write_prefix_request(noun: PrefixRequest, m: pb.PrefixRequest) -> None:
    m.type = noun.type
    m.prefix = noun.prefix
    extend(noun.exclude_prefixes, m.exclude_prefixes)
    keep(noun.rest, m)


def read_prefix_response(m: pb.PrefixResponse, reader: Reader) -> PrefixResponse:
    return PrefixResponse(m.prefix, texts(m.exclude_prefixes), reader.rest(m))


def write_prefix_response(noun: PrefixResponse, m: pb.PrefixResponse) -> None:
    m.prefix = noun.prefix
    extend(noun.exclude_prefixes, m.exclude_prefixes)
    keep(noun.rest, m)
