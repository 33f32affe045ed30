"""Connections, requests for them and events about them, read from and written to the wire."""

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.mechanism import Mechanism
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.timestamp import Timestamp
from nsm.wire._gen import connection_pb2 as pb
from nsm.wire._gen.networkservice_pb2 import NetworkServiceRequest
from nsm.wire.contexts import read_context, write_context
from nsm.wire.reader import Reader, mapping, texts
from nsm.wire.writer import each, extend, fill, keep, write_timestamp


def read_mechanism(m: pb.Mechanism, reader: Reader) -> Mechanism:
    return Mechanism(m.cls, m.type, mapping(m.parameters), reader.rest(m))


def write_mechanism(noun: Mechanism, m: pb.Mechanism) -> None:
    m.cls = noun.cls
    m.type = noun.type
    fill(noun.parameters, m.parameters)
    keep(noun.rest, m)


def read_segment(m: pb.PathSegment, reader: Reader) -> Segment:
    return Segment(
        m.name,
        m.id,
        m.token,
        Timestamp(m.expires.seconds, m.expires.nanos) if m.HasField("expires") else None,
        mapping(m.metrics),
        reader.rest(m),
    )


def write_segment(noun: Segment, m: pb.PathSegment) -> None:
    m.name = noun.name
    m.id = noun.id
    m.token = noun.token
    if noun.expires is not None:
        write_timestamp(noun.expires, m.expires)
    fill(noun.metrics, m.metrics)
    keep(noun.rest, m)


def read_path(m: pb.Path, reader: Reader) -> Path:
    return Path(m.index, reader.many(read_segment, m.path_segments), reader.rest(m))


def write_path(noun: Path, m: pb.Path) -> None:
    m.index = noun.index
    each(noun.segments, write_segment, m.path_segments)
    keep(noun.rest, m)


def read_connection(m: pb.Connection, reader: Reader) -> Connection:
    return Connection(
        m.id,
        m.network_service,
        read_mechanism(m.mechanism, reader) if m.HasField("mechanism") else None,
        read_context(m.context, reader) if m.HasField("context") else None,
        mapping(m.labels),
        read_path(m.path, reader) if m.HasField("path") else None,
        m.network_service_endpoint_name,
        m.payload,
        m.state,
        reader.rest(m),
    )


def write_connection(noun: Connection, m: pb.Connection) -> None:
    m.id = noun.id
    m.network_service = noun.network_service
    if noun.mechanism is not None:
        write_mechanism(noun.mechanism, m.mechanism)
    if noun.context is not None:
        write_context(noun.context, m.context)
    fill(noun.labels, m.labels)
    if noun.path is not None:
        write_path(noun.path, m.path)
    m.network_service_endpoint_name = noun.endpoint
    m.payload = noun.payload
    m.state = noun.state
    keep(noun.rest, m)


def read_request(m: NetworkServiceRequest, reader: Reader) -> Request:
    return Request(
        read_connection(m.connection, reader),
        reader.many(read_mechanism, m.mechanism_preferences),
        reader.rest(m),
    )


def write_request(noun: Request, m: NetworkServiceRequest) -> None:
    write_connection(noun.connection, m.connection)
    each(noun.preferences, write_mechanism, m.mechanism_preferences)
    keep(noun.rest, m)


def read_event(m: pb.ConnectionEvent, reader: Reader) -> ConnectionEvent:
    connections = {
        key: read_connection(m.connections[key], reader) for key in sorted(m.connections)
    }
    return ConnectionEvent(m.type, connections, reader.rest(m))


def write_event(noun: ConnectionEvent, m: pb.ConnectionEvent) -> None:
    m.type = noun.type
    for key, connection in noun.connections.items():
        write_connection(connection, m.connections[key])
    keep(noun.rest, m)


def read_selector(m: pb.MonitorScopeSelector, reader: Reader) -> Selector:
    return Selector(
        reader.many(read_segment, m.path_segments), texts(m.network_services), reader.rest(m)
    )


def write_selector(noun: Selector, m: pb.MonitorScopeSelector) -> None:
    each(noun.path_segments, write_segment, m.path_segments)
    extend(noun.network_services, m.network_services)
    keep(noun.rest, m)
