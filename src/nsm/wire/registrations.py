"""Network services, endpoints and questions about them, read from and written to the wire."""

from nsm.api.labels import Labels
from nsm.api.registration import Answer, Destination, Endpoint, Match, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.wire._gen import registry_pb2 as pb
from nsm.wire.reader import Reader, mapping, texts
from nsm.wire.writer import each, extend, fill, keep, write_timestamp

Labelled = pb.Metadata | pb.NetworkServiceLabels


def read_labels(m: Labelled, reader: Reader) -> Labels:
    return Labels(mapping(m.labels), reader.rest(m))


def write_labels(noun: Labels, m: Labelled) -> None:
    m.SetInParent()
    fill(noun, m.labels)
    keep(noun.rest, m)


def read_destination(m: pb.Destination, reader: Reader) -> Destination:
    return Destination(mapping(m.destination_selector), m.weight, reader.rest(m))


def write_destination(noun: Destination, m: pb.Destination) -> None:
    fill(noun.destination_selector, m.destination_selector)
    m.weight = noun.weight
    keep(noun.rest, m)


def read_match(m: pb.Match, reader: Reader) -> Match:
    return Match(
        mapping(m.source_selector),
        reader.many(read_destination, m.routes),
        m.fallthrough,
        read_labels(m.metadata, reader) if m.HasField("metadata") else None,
        reader.rest(m),
    )


def write_match(noun: Match, m: pb.Match) -> None:
    fill(noun.source_selector, m.source_selector)
    each(noun.routes, write_destination, m.routes)
    m.fallthrough = noun.fallthrough
    if noun.metadata is not None:
        write_labels(noun.metadata, m.metadata)
    keep(noun.rest, m)


def read_service(m: pb.NetworkService, reader: Reader) -> NetworkService:
    return NetworkService(
        m.name, m.payload, reader.many(read_match, m.matches), texts(m.path_ids), reader.rest(m)
    )


def write_service(noun: NetworkService, m: pb.NetworkService) -> None:
    m.name = noun.name
    m.payload = noun.payload
    each(noun.matches, write_match, m.matches)
    extend(noun.path_ids, m.path_ids)
    keep(noun.rest, m)


def read_endpoint(m: pb.NetworkServiceEndpoint, reader: Reader) -> Endpoint:
    labels, expires, first = (
        m.network_service_labels,
        m.expiration_time,
        m.initial_registration_time,
    )
    return Endpoint(
        m.name,
        texts(m.network_service_names),
        {key: read_labels(labels[key], reader) for key in sorted(labels)},
        m.url,
        Timestamp(expires.seconds, expires.nanos) if m.HasField("expiration_time") else None,
        Timestamp(first.seconds, first.nanos) if m.HasField("initial_registration_time") else None,
        texts(m.path_ids),
        reader.rest(m),
    )


def write_endpoint(noun: Endpoint, m: pb.NetworkServiceEndpoint) -> None:
    m.name = noun.name
    extend(noun.network_service_names, m.network_service_names)
    for key, labels in noun.network_service_labels.items():
        write_labels(labels, m.network_service_labels[key])
    m.url = noun.url
    if noun.expiration_time is not None:
        write_timestamp(noun.expiration_time, m.expiration_time)
    if noun.initial_registration_time is not None:
        write_timestamp(noun.initial_registration_time, m.initial_registration_time)
    extend(noun.path_ids, m.path_ids)
    keep(noun.rest, m)


def read_service_query(m: pb.NetworkServiceQuery, reader: Reader) -> Query[NetworkService]:
    return Query(read_service(m.network_service, reader), m.watch, reader.rest(m))


def write_service_query(noun: Query[NetworkService], m: pb.NetworkServiceQuery) -> None:
    write_service(noun.like, m.network_service)
    m.watch = noun.watch
    keep(noun.rest, m)


def read_service_answer(m: pb.NetworkServiceResponse, reader: Reader) -> Answer[NetworkService]:
    return Answer(read_service(m.network_service, reader), m.deleted, reader.rest(m))


def write_service_answer(noun: Answer[NetworkService], m: pb.NetworkServiceResponse) -> None:
    write_service(noun.record, m.network_service)
    m.deleted = noun.deleted
    keep(noun.rest, m)


def read_endpoint_query(m: pb.NetworkServiceEndpointQuery, reader: Reader) -> Query[Endpoint]:
    return Query(read_endpoint(m.network_service_endpoint, reader), m.watch, reader.rest(m))


def write_endpoint_query(noun: Query[Endpoint], m: pb.NetworkServiceEndpointQuery) -> None:
    write_endpoint(noun.like, m.network_service_endpoint)
    m.watch = noun.watch
    keep(noun.rest, m)


def read_endpoint_answer(m: pb.NetworkServiceEndpointResponse, reader: Reader) -> Answer[Endpoint]:
    return Answer(read_endpoint(m.network_service_endpoint, reader), m.deleted, reader.rest(m))


def write_endpoint_answer(noun: Answer[Endpoint], m: pb.NetworkServiceEndpointResponse) -> None:
    write_endpoint(noun.record, m.network_service_endpoint)
    m.deleted = noun.deleted
    keep(noun.rest, m)
