"""What this host can do for a mesh, found out by trying it in namespaces that vanish again."""

import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, ip_interface
from pathlib import Path

from nsm.dataplane import encode
from nsm.dataplane.encode import NewEnd, Tunnel
from nsm.dataplane.netlink import Netlink, Refused
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.world import syscalls
from nsm.world.ground import BASE

MEMORY_MB = 300
"""What a small mesh takes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a mesh needs, or is better with."""

    what: str
    ok: bool
    fix: str
    needed: bool = True


def examine() -> list[Finding]:
    """Everything, in the order a person would ask."""
    root = os.geteuid() == 0
    found = [
        Finding("Linux", sys.platform == "linux", "run it on Linux"),
        Finding(
            f"Python {sys.version.split()[0]}", sys.version_info >= (3, 11), "use 3.11 or newer"
        ),
        Finding("root", root, "run it with sudo"),
    ]
    if root:
        with ThreadPoolExecutor(1) as thread:  # it unshares: nobody else may live in it
            found += thread.submit(_kernel).result()
    nft = shutil.which("nft") is not None
    return [
        *found,
        Finding(f"{_free_mb()} MB of memory free", _free_mb() > MEMORY_MB, f"free {MEMORY_MB} MB"),
        Finding("nft, for the firewall endpoint", nft, "apt-get install nftables", needed=False),
    ]


def _kernel() -> list[Finding]:
    rebuild = "load the module, or take a kernel that has it"
    own = _works(lambda: syscalls.unshare(syscalls.CLONE_FS | syscalls.CLONE_NEWNS))
    with returning_home():
        net = _works(unshare)
        kinds = [
            Finding(f"{kind} interfaces", net and _works(partial(_link, kind)), rebuild)
            for kind in ("veth", "bridge", "vxlan")
        ]
        six = net and Path("/proc/sys/net/ipv6").is_dir()
    privileges = "give CAP_SYS_ADMIN and CAP_NET_ADMIN (a container needs --privileged)"
    return [
        Finding("network namespaces", net, privileges),
        Finding("mount namespaces", own, privileges),
        *kinds,
        Finding("IPv6", six, "boot without ipv6.disable=1", needed=False),
        Finding(
            f"a place for meshes in {BASE.parent}", _writable(), f"make {BASE.parent} writable"
        ),
    ]


def _works(what: Callable[[], object]) -> bool:
    try:
        what()
    except OSError:
        return False
    return True


def _link(kind: str) -> None:
    """Make an interface of that kind in the namespace the thread stands in."""
    here = Netns.current()
    end = NewEnd(f"try-{kind}", 1000 + len(kind), here.fd)
    with Netlink() as kernel:
        answer = kernel.ask(_message(kind, end, here.fd))
    if isinstance(answer, Refused):
        raise OSError(answer.code, str(answer))


def _message(kind: str, end: NewEnd, fd: int) -> encode.Message:
    if kind == "veth":
        return encode.new_veth(end, NewEnd("try-peer", 2000, fd))
    if kind == "vxlan":
        lo = ip_interface("127.0.0.1/8").ip
        return encode.new_vxlan(end, Tunnel(1, lo, IPv4Address("127.0.0.2"), 4789))
    return encode.new_link(end, kind)


def _writable() -> bool:
    return os.access(BASE if BASE.exists() else BASE.parent, os.W_OK)


def _free_mb() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) >> 10
    return 0
