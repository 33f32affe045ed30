"""A home of our own for the wire's message types.

The default pool of a process allows one definition of `grpc.health.v1.HealthCheckRequest` or
`X509SVID`; here another library may bring its own beside ours.
"""

from google.protobuf import empty_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
for known in (empty_pb2, struct_pb2, timestamp_pb2):
    POOL.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
