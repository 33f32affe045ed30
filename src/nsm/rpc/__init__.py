"""The way to other programs: gRPC over unix sockets and TCP, with proof of identity and files.

Nothing above this package knows which library speaks HTTP/2.
"""

from nsm.rpc.plain import PlainCall, PlainServer, plain_stream, plain_unary
from nsm.rpc.pool import Pool
from nsm.rpc.server import Server, serve
from nsm.rpc.tls import TlsSource

__all__ = [
    "PlainCall",
    "PlainServer",
    "Pool",
    "Server",
    "TlsSource",
    "plain_stream",
    "plain_unary",
    "serve",
]
