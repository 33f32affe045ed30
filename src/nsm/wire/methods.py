"""Every method that is called over the wire: its path, its shape, and the nouns that travel."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.prefixes import PrefixRequest, PrefixResponse
from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.wire.health import HealthAnswer, HealthQuestion
from nsm.wire.nouns import Empty
from nsm.wire.workload import (
    JwtBundlesRequest,
    JwtBundlesResponse,
    JwtSvidRequest,
    JwtSvidResponse,
    ValidateJwtSvidRequest,
    ValidateJwtSvidResponse,
    X509BundlesRequest,
    X509BundlesResponse,
    X509SvidRequest,
    X509SvidResponse,
)

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Method(Generic[Q, A]):
    """`path` is `/service/name`; `request` and `answer` are kinds that `decode` takes."""

    path: str
    request: type[Q]
    answer: type[A]
    streams: bool = False
    """Many answers, rather than one."""
    pours: bool = False
    """Many requests, rather than one."""

    @property
    def service(self) -> str:
        """The service's full name."""
        return self.path.split("/")[1]


REQUEST = Method("/networkservice.NetworkService/Request", Request, Connection)
CLOSE = Method("/networkservice.NetworkService/Close", Connection, Empty)
MONITOR = Method(
    "/connection.MonitorConnection/MonitorConnections", Selector, ConnectionEvent, streams=True
)

_SERVICES = "/registry.NetworkServiceRegistry"
REGISTER_SERVICE = Method(f"{_SERVICES}/Register", NetworkService, NetworkService)
FIND_SERVICE = Method(
    f"{_SERVICES}/Find", Query[NetworkService], Answer[NetworkService], streams=True
)
UNREGISTER_SERVICE = Method(f"{_SERVICES}/Unregister", NetworkService, Empty)

_ENDPOINTS = "/registry.NetworkServiceEndpointRegistry"
REGISTER_ENDPOINT = Method(f"{_ENDPOINTS}/Register", Endpoint, Endpoint)
FIND_ENDPOINT = Method(f"{_ENDPOINTS}/Find", Query[Endpoint], Answer[Endpoint], streams=True)
UNREGISTER_ENDPOINT = Method(f"{_ENDPOINTS}/Unregister", Endpoint, Empty)

MANAGE_PREFIXES = Method(
    "/ipam.IPAM/ManagePrefixes", PrefixRequest, PrefixResponse, streams=True, pours=True
)

_HEALTH = "/grpc.health.v1.Health"
HEALTH_CHECK = Method(f"{_HEALTH}/Check", HealthQuestion, HealthAnswer)
HEALTH_WATCH = Method(f"{_HEALTH}/Watch", HealthQuestion, HealthAnswer, streams=True)

_SPIFFE = "/SpiffeWorkloadAPI"
FETCH_X509_SVID = Method(
    f"{_SPIFFE}/FetchX509SVID", X509SvidRequest, X509SvidResponse, streams=True
)
FETCH_X509_BUNDLES = Method(
    f"{_SPIFFE}/FetchX509Bundles", X509BundlesRequest, X509BundlesResponse, streams=True
)
FETCH_JWT_SVID = Method(f"{_SPIFFE}/FetchJWTSVID", JwtSvidRequest, JwtSvidResponse)
FETCH_JWT_BUNDLES = Method(
    f"{_SPIFFE}/FetchJWTBundles", JwtBundlesRequest, JwtBundlesResponse, streams=True
)
VALIDATE_JWT_SVID = Method(
    f"{_SPIFFE}/ValidateJWTSVID", ValidateJwtSvidRequest, ValidateJwtSvidResponse
)

_ALL: tuple[Method[Any, Any], ...] = (
    REQUEST,
    CLOSE,
    MONITOR,
    REGISTER_SERVICE,
    FIND_SERVICE,
    UNREGISTER_SERVICE,
    REGISTER_ENDPOINT,
    FIND_ENDPOINT,
    UNREGISTER_ENDPOINT,
    MANAGE_PREFIXES,
    HEALTH_CHECK,
    HEALTH_WATCH,
    FETCH_X509_SVID,
    FETCH_X509_BUNDLES,
    FETCH_JWT_SVID,
    FETCH_JWT_BUNDLES,
    VALIDATE_JWT_SVID,
)
METHODS = {method.path: method for method in _ALL}
"""All of them, by path."""
