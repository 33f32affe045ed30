"""Pings out of a namespace, by ICMP of our own: nothing need be installed there."""

import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from nsm.dataplane.netns import Netns, standing_in
from nsm.errors import NotFound
from nsm.waiting import readable

SIZE = 56
"""Bytes that travel along, as ping has it."""
_ECHO = struct.Struct("!BBHHH")


@dataclass(frozen=True, slots=True)
class Echo:
    """One that was sent: its round-trip in milliseconds, or None where nothing came back."""

    sequence: int
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of all."""

    sent: int
    received: int
    rtts: tuple[float, ...]

    @classmethod
    def of(cls, echoes: list[Echo]) -> "Summary":
        """Count them."""
        rtts = tuple(echo.rtt_ms for echo in echoes if echo.rtt_ms is not None)
        return cls(len(echoes), len(rtts), rtts)

    @property
    def loss(self) -> float:
        """The share that was lost, from 0 to 1."""
        return round(1 - self.received / self.sent, 4) if self.sent else 0.0

    def times(self) -> dict[str, float | None]:
        """Least, mean and most."""
        if not self.rtts:
            return {"min": None, "avg": None, "max": None}
        mean = sum(self.rtts) / len(self.rtts)
        found = {"min": min(self.rtts), "avg": mean, "max": max(self.rtts)}
        return {name: round(value, 3) for name, value in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How to ping: from where, through which interface (empty: as routed), how often."""

    netns: Path
    address: str
    interface: str = ""
    count: int = 4
    interval: float = 1.0
    patience: float = 1.0


def ping(course: Course) -> Iterator[Echo]:
    """Send one after the other and give each as it comes back, or does not."""
    target = ip_address(course.address)
    with standing_in(Netns.open(str(course.netns))):
        channel = _open(target, course.interface)
    with channel:
        for sequence in range(1, course.count + 1):
            began = time.monotonic()
            yield Echo(sequence, _one(channel, target, sequence, course.patience))
            if sequence < course.count:
                rest = course.interval - (time.monotonic() - began)
                select.select([], [], [], max(0.0, rest))


def route(netns: Path, address: str) -> str:
    """The interface that leads to an address from there."""
    target = ip_address(address)
    family = socket.AF_INET6 if target.version == 6 else socket.AF_INET
    with standing_in(Netns.open(str(netns))), socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(target), 9))
        except OSError as error:
            fix = "ping an address of one of its vWires"
            raise NotFound(f"no way to {address} from here: {error.strerror}", fix=fix) from error
        source = probe.getsockname()[0]
        return _owner(source)


def _owner(source: str) -> str:
    """The interface that has an address, in the namespace the thread stands in."""
    from nsm.dataplane import encode, link
    from nsm.dataplane.netlink import Netlink

    with Netlink() as kernel:
        addresses = kernel.ask(encode.get_addresses())
        for found in link.links(kernel.ask(encode.get_links())):
            if any(str(one.ip) == source for one in link.addresses(addresses, found.index)):
                return found.name
    return ""


def _open(target: IPv4Address | IPv6Address, interface: str) -> socket.socket:
    if target.version == 6:
        channel = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    else:
        channel = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    channel.setblocking(False)
    if interface:
        _bind(channel, interface)
    return channel


def _bind(channel: socket.socket, interface: str) -> None:
    name = interface.encode() + b"\0"
    try:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    except OSError as error:
        channel.close()
        raise NotFound(
            f"no interface {interface} here", fix="`nsm status` says how it is"
        ) from error


def _one(
    channel: socket.socket, target: IPv4Address | IPv6Address, sequence: int, patience: float
) -> float | None:
    own = os.getpid() & 0xFFFF
    began = time.perf_counter()
    packet = echo_request(target.version, own, sequence & 0xFFFF)
    try:
        channel.sendto(packet, (str(target), 0))
    except OSError:
        return None
    while (left := began + patience - time.perf_counter()) > 0:
        if not readable(channel, left):
            break
        data, (source, *_) = channel.recvfrom(2048)
        answer = data if target.version == 6 else data[(data[0] & 0x0F) * 4 :]
        same = source.partition("%")[0] == str(target)
        if same and is_reply(answer, target.version, own, sequence & 0xFFFF):
            return (time.perf_counter() - began) * 1000
    return None


def echo_request(version: int, id: int, sequence: int) -> bytes:
    """An ICMP echo request; for IPv6 the kernel sums it up."""
    kind = 128 if version == 6 else 8
    body = bytes(range(SIZE))
    total = 0 if version == 6 else checksum(_ECHO.pack(kind, 0, 0, id, sequence) + body)
    return _ECHO.pack(kind, 0, total, id, sequence) + body


def is_reply(data: bytes, version: int, id: int, sequence: int) -> bool:
    """Whether this is the answer to that request."""
    if len(data) < _ECHO.size:
        return False
    kind, _, _, whose, which = _ECHO.unpack_from(data)
    return (kind, whose, which) == (129 if version == 6 else 0, id, sequence)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
