"""The way to other programs: gRPC over unix sockets and TCP, with proof of identity and files.

Nothing above this package knows which library speaks HTTP/2.
"""
