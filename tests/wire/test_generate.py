from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

from nsm.wire import generate
from nsm.wire._gen import connection_pb2, health_pb2, workload_pb2


def test_what_is_committed_is_what_the_proto_files_give(tmp_path: Path) -> None:
    generate.compile_into(tmp_path)
    fresh = {path.name: generate.settle(path.read_text()) for path in tmp_path.iterdir()}
    written = {path.name: path.read_text() for path in generate.GEN.glob("*_pb2.py*")}
    assert fresh == written


def test_full_names_are_those_of_the_wire() -> None:
    assert connection_pb2.DESCRIPTOR.name == "connection.proto"
    assert connection_pb2.Connection.DESCRIPTOR.full_name == "connection.Connection"
    assert health_pb2.HealthCheckRequest.DESCRIPTOR.full_name == "grpc.health.v1.HealthCheckRequest"
    assert workload_pb2.X509SVID.DESCRIPTOR.full_name == "X509SVID"


def test_another_library_may_define_the_same_messages_in_the_pool_of_the_process() -> None:
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("connection.Connection")
