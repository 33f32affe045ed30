"""gRPC's five bytes before each message, and how large one may be."""

from nsm.errors import Exhausted, Invalid, Unimplemented
from nsm.rpc.stream import RpcStream

MOST = 4 * 1024 * 1024
"""Bytes: the default bound of gRPC everywhere, so peers count on it (W §10.24)."""


def framed(message: bytes) -> bytes:
    """A message as it is sent, uncompressed."""
    if len(message) > MOST:
        raise Exhausted(f"a message of {len(message)} bytes is more than the {MOST} peers take")
    return b"\0" + len(message).to_bytes(4, "big") + message


async def next_message(stream: RpcStream, most: int = MOST) -> bytes | None:
    """The next message on a stream, of so many bytes at most; None after the last."""
    head = await stream.recv_data(5)
    if not head:
        return None
    if head[0]:
        raise Unimplemented("compressed messages are not taken")
    size = int.from_bytes(head[1:], "big")
    if size > most:
        raise Exhausted(f"a message of {size} bytes is more than the {most} taken here")
    message = await stream.recv_data(size) if size else b""
    if len(message) != size:
        raise Invalid("the stream ended in the middle of a message")
    return message
