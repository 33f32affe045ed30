"""ICMP echo, v4 and v6, as bytes (RFC 792, RFC 4443): no sockets here."""

from struct import pack, unpack_from

REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(unpack_from(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(version: int, sequence: int, token: bytes) -> bytes:
    """An echo request that carries `token`; the kernel fills in the checksum of IPv6."""
    head = pack("!BBHHH", REQUEST[version], 0, 0, 0, sequence)
    said = checksum(head + token) if version == 4 else 0
    return pack("!BBHHH", REQUEST[version], 0, said, 0, sequence) + token


def answers(version: int, data: bytes, token: bytes, *, with_header: bool) -> bool:
    """Whether what came is the reply that carries `token`; raw IPv4 sockets show the IP header."""
    if with_header and version == 4 and data:
        data = data[(data[0] & 15) * 4 :]
    return len(data) >= 8 and data[0] == REPLY[version] and data[8:] == token
