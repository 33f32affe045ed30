"""A blocking rtnetlink socket: several messages in one send, answers mapped by sequence number.

For worker threads only. The socket stays with the namespace its maker stood in, for life.
"""

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from nsm.dataplane import rtnl
from nsm.dataplane.encode import Message

BATCH = 64
"""Messages in one send: their answers must fit the socket's receive buffer."""
PATIENCE = struct.pack("ll", 10, 0)
"""How long the kernel may take for an answer, as a timeval."""
ROOM = 1 << 16

_HEADER = struct.Struct("=IHHII")
_U32 = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class Refused:
    """The kernel said no: an errno, and its own words where it had any."""

    code: int
    words: str = ""

    def __str__(self) -> str:
        return self.words or os.strerror(self.code)


Answer = list[tuple[int, bytes]] | Refused
"""What came back for one message: records (type, body), or a refusal."""


class Netlink:
    """One socket, used by one thread at a time."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, rtnl.NETLINK_ROUTE)
        self._socket.setsockopt(rtnl.SOL_NETLINK, rtnl.NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(rtnl.SOL_NETLINK, rtnl.NETLINK_EXT_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PATIENCE)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket and the namespace with it."""
        self._socket.close()

    def talk(self, messages: Sequence[Message]) -> list[Answer]:
        """Send all, in order, and give each its answer; a refusal does not stop the others."""
        answers: list[Answer] = []
        for start in range(0, len(messages), BATCH):
            answers += self._exchange(messages[start : start + BATCH])
        return answers

    def ask(self, message: Message) -> Answer:
        """Send one message and give its answer."""
        return self.talk([message])[0]

    def ask_narrowly(self, message: Message) -> Answer:
        """The same for a dump that names what it is of; before Linux 4.20 it tells of all."""
        with suppress(OSError):
            self._socket.setsockopt(rtnl.SOL_NETLINK, rtnl.NETLINK_GET_STRICT_CHK, 1)
        try:
            return self.ask(message)
        finally:
            with suppress(OSError):
                self._socket.setsockopt(rtnl.SOL_NETLINK, rtnl.NETLINK_GET_STRICT_CHK, 0)

    def dump(self, kind: int) -> list[bytes]:
        """The bodies of all there is of a kind, of every family; none where that is refused."""
        answer = self.ask(Message(kind, rtnl.NLM_F_DUMP, bytes(12)))
        return [] if isinstance(answer, Refused) else [body for _, body in answer]

    def _exchange(self, messages: Sequence[Message]) -> list[Answer]:
        """The kernel works in order and always says what went wrong; so only the last is acked."""
        first, last = self._sequence + 1, self._sequence + len(messages)
        self._sequence = last
        quiet = [m.numbered(first + i, ~rtnl.NLM_F_ACK) for i, m in enumerate(messages[:-1])]
        self._socket.send(b"".join((*quiet, messages[-1].numbered(last))))
        answers: list[Answer] = [[] for _ in messages]
        finished = False
        while not finished:
            for kind, sequence, body in _split(self._socket.recv(ROOM)):
                if sequence < first:
                    continue  # the late answer to something given up
                ends = _take(answers, sequence - first, kind, body)
                alone = not messages[-1].flags & (rtnl.NLM_F_DUMP | rtnl.NLM_F_ACK)
                finished |= sequence == last and (ends or alone)
        return answers


def _take(answers: list[Answer], at: int, kind: int, body: bytes) -> bool:
    """Put one message where it belongs; whether nothing more comes for what was asked."""
    if kind == rtnl.NLMSG_ERROR:
        answers[at] = _verdict(body) or answers[at]
        return True
    so_far = answers[at]
    if kind != rtnl.NLMSG_DONE and isinstance(so_far, list):
        so_far.append((kind, body))
    return kind == rtnl.NLMSG_DONE


def attributes(body: bytes, start: int = 0) -> dict[int, bytes]:
    """The attributes of a message's body from `start` on; what is cut off is left out."""
    found: dict[int, bytes] = {}
    while start + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, start)
        if length < 4 or start + length > len(body):
            break
        found[kind & 0x3FFF] = body[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


def number(raw: bytes) -> int:
    """32 bits in the machine's order; 0 where there are none."""
    return int(_U32.unpack_from(raw)[0]) if len(raw) >= 4 else 0


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, sequence number and body of each message; flags of errors stand before their body."""
    at = 0
    while at + 16 <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
        body = data[at + 16 : at + length]
        if kind == rtnl.NLMSG_ERROR:
            body = struct.pack("=H", flags) + body
        yield kind, sequence, body
        at += max(16, (length + 3) & ~3)


def _verdict(body: bytes) -> Refused | None:
    """None for an acknowledgement, else why not."""
    flags, code = struct.unpack_from("=Hi", body)
    if code == 0:
        return None
    start = 2 + 4 + 16
    if not flags & rtnl.NLM_F_CAPPED:
        start += struct.unpack_from("=I", body, 6)[0] - 16
    words = attributes(body, start) if flags & rtnl.NLM_F_ACK_TLVS else {}
    return Refused(-code, words.get(rtnl.NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode("latin-1"))
