"""The SPIFFE Workload API's messages, read from and written to the wire."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Value

from nsm.wire._gen import workload_pb2 as pb
from nsm.wire.reader import Reader, mapping, texts
from nsm.wire.workload import (
    JwtBundlesResponse,
    JwtSvid,
    JwtSvidRequest,
    JwtSvidResponse,
    ValidateJwtSvidRequest,
    ValidateJwtSvidResponse,
    X509BundlesResponse,
    X509Svid,
    X509SvidResponse,
)
from nsm.wire.writer import each, extend, fill


def read_x509_svid(m: pb.X509SVID, _: Reader) -> X509Svid:
    return X509Svid(m.spiffe_id, m.x509_svid, m.x509_svid_key, m.bundle, m.hint)


def write_x509_svid(noun: X509Svid, m: pb.X509SVID) -> None:
    m.spiffe_id = noun.spiffe_id
    m.x509_svid = noun.x509_svid
    m.x509_svid_key = noun.x509_svid_key
    m.bundle = noun.bundle
    m.hint = noun.hint


def read_x509_svids(m: pb.X509SVIDResponse, reader: Reader) -> X509SvidResponse:
    svids = reader.many(read_x509_svid, m.svids)
    return X509SvidResponse(svids, texts(m.crl), mapping(m.federated_bundles))


def write_x509_svids(noun: X509SvidResponse, m: pb.X509SVIDResponse) -> None:
    each(noun.svids, write_x509_svid, m.svids)
    extend(noun.crl, m.crl)
    fill(noun.federated_bundles, m.federated_bundles)


def read_x509_bundles(m: pb.X509BundlesResponse, _: Reader) -> X509BundlesResponse:
    return X509BundlesResponse(texts(m.crl), mapping(m.bundles))


def write_x509_bundles(noun: X509BundlesResponse, m: pb.X509BundlesResponse) -> None:
    extend(noun.crl, m.crl)
    fill(noun.bundles, m.bundles)


def read_jwt_request(m: pb.JWTSVIDRequest, _: Reader) -> JwtSvidRequest:
    return JwtSvidRequest(texts(m.audience), m.spiffe_id)


def write_jwt_request(noun: JwtSvidRequest, m: pb.JWTSVIDRequest) -> None:
    extend(noun.audience, m.audience)
    m.spiffe_id = noun.spiffe_id


def read_jwt_svid(m: pb.JWTSVID, _: Reader) -> JwtSvid:
    return JwtSvid(m.spiffe_id, m.svid, m.hint)


def write_jwt_svid(noun: JwtSvid, m: pb.JWTSVID) -> None:
    m.spiffe_id = noun.spiffe_id
    m.svid = noun.svid
    m.hint = noun.hint


def read_jwt_svids(m: pb.JWTSVIDResponse, reader: Reader) -> JwtSvidResponse:
    return JwtSvidResponse(reader.many(read_jwt_svid, m.svids))


def write_jwt_svids(noun: JwtSvidResponse, m: pb.JWTSVIDResponse) -> None:
    each(noun.svids, write_jwt_svid, m.svids)


def read_jwt_bundles(m: pb.JWTBundlesResponse, _: Reader) -> JwtBundlesResponse:
    return JwtBundlesResponse(mapping(m.bundles))


def write_jwt_bundles(noun: JwtBundlesResponse, m: pb.JWTBundlesResponse) -> None:
    fill(noun.bundles, m.bundles)


def read_doubt(m: pb.ValidateJWTSVIDRequest, _: Reader) -> ValidateJwtSvidRequest:
    return ValidateJwtSvidRequest(m.audience, m.svid)


def write_doubt(noun: ValidateJwtSvidRequest, m: pb.ValidateJWTSVIDRequest) -> None:
    m.audience = noun.audience
    m.svid = noun.svid


def read_verdict(m: pb.ValidateJWTSVIDResponse, _: Reader) -> ValidateJwtSvidResponse:
    claims = _members(m.claims.fields) if m.HasField("claims") else None
    return ValidateJwtSvidResponse(m.spiffe_id, claims)


def write_verdict(noun: ValidateJwtSvidResponse, m: pb.ValidateJWTSVIDResponse) -> None:
    m.spiffe_id = noun.spiffe_id
    if noun.claims is not None:
        claims: dict[str, Any] = dict(noun.claims)
        m.claims.SetInParent()
        m.claims.update(claims)


def _members(fields: Mapping[str, Value]) -> dict[str, object]:
    return {key: _plain(fields[key]) for key in fields}


def _plain(value: Value) -> object:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _members(value.struct_value.fields)
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)
