"""Every noun that travels, by its type."""

from types import NoneType
from typing import Any, TypeVar, cast

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from nsm.api.connection import Connection, Request
from nsm.api.mechanism import Mechanism
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.prefixes import PrefixRequest, PrefixResponse
from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.wire import connections, health, identities, prefixes, registrations, workload
from nsm.wire._gen import connection_pb2 as connection
from nsm.wire._gen import health_pb2, ipam_pb2
from nsm.wire._gen import registry_pb2 as registry
from nsm.wire._gen import workload_pb2 as spiffe
from nsm.wire._gen.networkservice_pb2 import NetworkServiceRequest
from nsm.wire.codec import Codec
from nsm.wire.pool import POOL
from nsm.wire.reader import Reader

T = TypeVar("T")

Empty: type[None] = NoneType
"""The noun of google.protobuf.Empty is None."""


def encode(noun: object) -> bytes:
    """A noun as bytes; Invalid where it holds what the wire cannot say."""
    return CODECS[_kind(noun)].encode(noun)


def decode(kind: type[T], data: bytes) -> T:
    """The noun of this kind that the bytes say (`Query[Endpoint]` is one); Invalid where none."""
    return cast("T", CODECS[kind].decode(data))


def _kind(noun: object) -> object:
    match noun:
        case Query(like=NetworkService()):
            return Query[NetworkService]
        case Query():
            return Query[Endpoint]
        case Answer(record=NetworkService()):
            return Answer[NetworkService]
        case Answer():
            return Answer[Endpoint]
    return type(noun)


def _bare(kind: type[T], message: type[Message]) -> Codec[T, Message]:
    def read(_: Message, __: Reader) -> T:
        return kind()

    def write(_: T, __: Message) -> None:
        return None

    return Codec(message, read, write)


_EMPTY = GetMessageClass(POOL.FindMessageTypeByName("google.protobuf.Empty"))

CODECS: dict[object, Codec[Any, Any]] = {
    Empty: _bare(Empty, _EMPTY),
    Mechanism: Codec(connection.Mechanism, connections.read_mechanism, connections.write_mechanism),
    Connection: Codec(
        connection.Connection, connections.read_connection, connections.write_connection
    ),
    Request: Codec(NetworkServiceRequest, connections.read_request, connections.write_request),
    ConnectionEvent: Codec(
        connection.ConnectionEvent, connections.read_event, connections.write_event
    ),
    Selector: Codec(
        connection.MonitorScopeSelector, connections.read_selector, connections.write_selector
    ),
    NetworkService: Codec(
        registry.NetworkService, registrations.read_service, registrations.write_service
    ),
    Endpoint: Codec(
        registry.NetworkServiceEndpoint, registrations.read_endpoint, registrations.write_endpoint
    ),
    Query[NetworkService]: Codec(
        registry.NetworkServiceQuery,
        registrations.read_service_query,
        registrations.write_service_query,
    ),
    Query[Endpoint]: Codec(
        registry.NetworkServiceEndpointQuery,
        registrations.read_endpoint_query,
        registrations.write_endpoint_query,
    ),
    Answer[NetworkService]: Codec(
        registry.NetworkServiceResponse,
        registrations.read_service_answer,
        registrations.write_service_answer,
    ),
    Answer[Endpoint]: Codec(
        registry.NetworkServiceEndpointResponse,
        registrations.read_endpoint_answer,
        registrations.write_endpoint_answer,
    ),
    PrefixRequest: Codec(
        ipam_pb2.PrefixRequest, prefixes.read_prefix_request, prefixes.write_prefix_request
    ),
    PrefixResponse: Codec(
        ipam_pb2.PrefixResponse, prefixes.read_prefix_response, prefixes.write_prefix_response
    ),
    health.HealthQuestion: Codec(
        health_pb2.HealthCheckRequest, health.read_question, health.write_question
    ),
    health.HealthAnswer: Codec(
        health_pb2.HealthCheckResponse, health.read_answer, health.write_answer
    ),
    workload.X509SvidRequest: _bare(workload.X509SvidRequest, spiffe.X509SVIDRequest),
    workload.X509SvidResponse: Codec(
        spiffe.X509SVIDResponse, identities.read_x509_svids, identities.write_x509_svids
    ),
    workload.X509BundlesRequest: _bare(workload.X509BundlesRequest, spiffe.X509BundlesRequest),
    workload.X509BundlesResponse: Codec(
        spiffe.X509BundlesResponse, identities.read_x509_bundles, identities.write_x509_bundles
    ),
    workload.JwtSvidRequest: Codec(
        spiffe.JWTSVIDRequest, identities.read_jwt_request, identities.write_jwt_request
    ),
    workload.JwtSvidResponse: Codec(
        spiffe.JWTSVIDResponse, identities.read_jwt_svids, identities.write_jwt_svids
    ),
    workload.JwtBundlesRequest: _bare(workload.JwtBundlesRequest, spiffe.JWTBundlesRequest),
    workload.JwtBundlesResponse: Codec(
        spiffe.JWTBundlesResponse, identities.read_jwt_bundles, identities.write_jwt_bundles
    ),
    workload.ValidateJwtSvidRequest: Codec(
        spiffe.ValidateJWTSVIDRequest, identities.read_doubt, identities.write_doubt
    ),
    workload.ValidateJwtSvidResponse: Codec(
        spiffe.ValidateJWTSVIDResponse, identities.read_verdict, identities.write_verdict
    ),
}
