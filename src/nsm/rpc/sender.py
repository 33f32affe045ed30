"""The process at the other end of a unix socket, and which network namespaces it may enter."""

import errno
import os
import re
import socket
import struct
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

from nsm.waiting import readable

SO_PEERPIDFD = 77
"""Linux 6.5; Python has no name for it yet."""
NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE = 0xB701, 0xB702, 0xB703
CLONE_NEWNET = 0x40000000
CAP_SYS_ADMIN = 1 << 21
DEEPEST = 33
"""Levels of user namespaces the kernel allows, and one."""

Place = tuple[int, int]


class Ended(Exception):
    """The process is no more, so its number says nothing."""


def credentials(sock: socket.socket) -> tuple[int, int, int]:
    """Pid, uid and gid of whoever connected or listened; pid 0 in a namespace we do not see."""
    found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, gid = struct.unpack("iII", found)
    return pid, uid, gid


def pidfd(sock: socket.socket) -> int | None:
    """The process itself, whatever its pid is given to later; None where the kernel cannot say."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
    except OSError as error:
        if error.errno == errno.ENOPROTOOPT:
            return None
        raise Ended from error


def may_enter(sock: socket.socket, fd: int) -> bool:
    """Whether the process at the other end could enter the network namespace behind `fd` itself.

    That is its own one, or any that it has CAP_SYS_ADMIN over (setns(2)). True for what is no
    network namespace, and for a process that we are not shown: such as one in a pid namespace
    beside ours, or, where we have no privilege, any of another user.
    """
    pid, _, _ = credentials(sock)
    if pid == 0:
        return True
    try:
        entitled = _is_in(pid, fd) or _may_join(pid, fd)
        _check_alive(sock)
    except PermissionError:
        return True
    except (OSError, Ended):
        return False
    return entitled


def _is_in(pid: int, fd: int) -> bool:
    """Whether that is the network namespace the process is in, as it most often is."""
    return _place(f"/proc/{pid}/ns/net") == _place(f"/proc/self/fd/{fd}")


def _may_join(pid: int, fd: int) -> bool:
    """Whether it is none at all, or one that the process has CAP_SYS_ADMIN over."""
    owner = _owner(fd)
    if owner is None:
        return True
    users = _place(f"/proc/{pid}/ns/user")
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(_effective(status) & CAP_SYS_ADMIN) and users in owner


def _owner(fd: int) -> list[Place] | None:
    """The user namespaces that rule over a network namespace; None for what is none."""
    try:
        opened = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if ioctl(opened, NS_GET_NSTYPE) != CLONE_NEWNET:
            return None
        return list(_rulers(opened))
    except OSError:
        return None
    finally:
        os.close(opened)


def _rulers(namespace: int) -> Iterator[Place]:
    """Its user namespace and that one's ancestors, as far as we are shown them."""
    asked, question = os.dup(namespace), NS_GET_USERNS
    for _ in range(DEEPEST):
        try:
            found = ioctl(asked, question)
        except PermissionError:
            found = -1
        finally:
            os.close(asked)
        if found < 0:
            return
        yield _place(f"/proc/self/fd/{found}")
        asked, question = found, NS_GET_PARENT
    os.close(asked)


def _place(path: str) -> Place:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _effective(status: str) -> int:
    found = re.search(r"^CapEff:\t([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def _check_alive(sock: socket.socket) -> None:
    process = pidfd(sock)
    if process is None:
        return
    try:
        if readable(process, 0):
            raise Ended
    finally:
        os.close(process)
