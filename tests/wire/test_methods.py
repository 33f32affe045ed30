from nsm.wire import METHODS
from nsm.wire._gen import (
    connection_pb2,
    health_pb2,
    ipam_pb2,
    networkservice_pb2,
    registry_pb2,
    workload_pb2,
)
from nsm.wire.nouns import CODECS

FILES = (connection_pb2, health_pb2, ipam_pb2, networkservice_pb2, registry_pb2, workload_pb2)


def test_the_table_is_what_the_proto_files_say() -> None:
    said = {
        f"/{service.full_name}/{method.name}": (
            method.input_type.full_name,
            method.output_type.full_name,
            method.client_streaming,
            method.server_streaming,
        )
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    table = {
        path: (
            CODECS[method.request].message.DESCRIPTOR.full_name,
            CODECS[method.answer].message.DESCRIPTOR.full_name,
            method.pours,
            method.streams,
        )
        for path, method in METHODS.items()
    }
    assert table == said


def test_a_method_knows_its_service() -> None:
    assert METHODS["/grpc.health.v1.Health/Check"].service == "grpc.health.v1.Health"
