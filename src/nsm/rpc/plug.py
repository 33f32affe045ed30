"""A non-blocking stream socket: bytes both ways, and on a unix socket files beside them.

Only `recvmsg` may read a socket that can carry files: any other read drops them silently.
"""

import os
import socket
from array import array
from collections import deque

from nsm.errors import Exhausted
from nsm.rpc.sender import may_enter

CHUNK = 16384
"""Bytes read at a time: what a hostile peer packs into them keeps everybody else waiting."""
ROOM = socket.CMSG_SPACE(4 * 64)
"""For the files of one read; the kernel never joins the files of two writes into one."""


class Plug:
    """One end of a connected socket, and nothing that waits."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.carries_files = sock.family == socket.AF_UNIX

    def may_enter(self, fd: int) -> bool:
        """Whether the process at the other end could enter that network namespace itself."""
        return may_enter(self.sock, fd)

    def receive(self) -> tuple[bytes, list[int]]:
        """Bytes (none: the peer has ended) and files; BlockingIOError when nothing has come."""
        if not self.carries_files:
            return self.sock.recv(CHUNK), []
        data, beside, flags, _ = self.sock.recvmsg(CHUNK, ROOM, socket.MSG_CMSG_CLOEXEC)
        if not beside:
            return data, []
        files = _files_in(beside)
        if flags & socket.MSG_CTRUNC:
            close_all(files)
            raise Exhausted("more files came at once than a message may hold")
        return data, files

    def send(self, data: bytearray, files: deque[int]) -> int:
        """How many bytes left; each file leaves first, with a byte of its own, and is closed."""
        gone = 0
        with memoryview(data) as view:
            try:
                while files and gone < len(view) and self.carries_files:
                    ride = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [files[0]]))
                    self.sock.sendmsg([view[gone : gone + 1]], [ride])
                    gone += 1
                    os.close(files.popleft())
                if gone < len(view):
                    gone += self.sock.send(view[gone:])
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                if not gone:  # what did leave is counted first; the error comes again
                    raise
        return gone


def close_all(files: list[int]) -> None:
    """Close descriptors that nobody wants."""
    for fd in files:
        os.close(fd)


def _files_in(beside: list[tuple[int, int, bytes]]) -> list[int]:
    files = array("i")
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    return list(files)
