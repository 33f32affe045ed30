"""What this host's kernel can build, found out by trying in a namespace that is thrown away."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from pathlib import Path
from struct import pack
from types import MappingProxyType

from nsm.api import mechanism as keys
from nsm.dataplane import encode, nft, rtnl
from nsm.dataplane.encode import Message, NewEnd, Tunnel
from nsm.dataplane.netlink import Netlink, Refused
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.errors import NsmError, Unsupported

IFLA_VLAN_ID = 1
PARENT = 9
CARRIES = "table netdev nsm_probe {\nchain c {\nfwd to lo\n}\n}\n"
BUILT = {keys.KERNEL: "veth", keys.VXLAN: "vxlan"}
"""The mechanisms that `plan` can make, and the feature each stands on."""
ALLOW = "run as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN"
FIXES = {
    "ipv6": "boot without ipv6.disable=1",
    "nft": "install the package nftables; modprobe nf_tables nft_fwd_netdev",
    "srv6": "needs a kernel with CONFIG_IPV6_SEG6_LWTUNNEL",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a kernel may or may not be able to do; `missing` says why not, `fix` what to do."""

    name: str
    missing: str = ""
    fix: str = ""

    @property
    def works(self) -> bool:
        """Whether it was done."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What was tried, by name."""

    features: Mapping[str, Feature]

    @property
    def mechanisms(self) -> frozenset[str]:
        """The mechanism types that can be offered here."""
        return frozenset(t for t, needed in BUILT.items() if self.features[needed].works)

    def require(self, type: str) -> None:
        """Unsupported, with cause and fix, where a mechanism cannot be built here."""
        if type not in BUILT:
            raise Unsupported(f"{type[:40]!r} is not a mechanism we build", fix=" or ".join(BUILT))
        feature = self.features[BUILT[type]]
        if not feature.works:
            raise Unsupported(f"no {type} on this host: {feature.missing}", fix=feature.fix)


class Probe:
    """Asks the kernel once, and remembers."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._known: Capabilities | None = None

    async def ask(self) -> Capabilities:
        """What this host can do; takes some milliseconds the first time."""
        async with self._lock:
            if self._known is None:
                self._known = await asyncio.to_thread(_try_all)
            return self._known


def _try_all() -> Capabilities:
    try:
        with returning_home():
            unshare()
            features = {"netns": Feature("netns"), **{f.name: f for f in _tried()}}
    except (OSError, NsmError) as error:
        names = ("netns", "srv6", "nft", *_links(0))
        features = {name: Feature(name, f"cannot try: {error}", ALLOW) for name in names}
    return Capabilities(MappingProxyType(features))


def _tried() -> Iterator[Feature]:
    here = Netns.current()
    with Netlink() as socket:
        for name, message in _links(here.fd).items():
            answer = socket.ask(message)
            yield _feature(name, str(answer) if isinstance(answer, Refused) else "")
    yield _attempt("srv6", lambda: Path("/proc/sys/net/ipv6/conf/all/seg6_enabled").read_text())
    yield _attempt("nft", lambda: nft.run(CARRIES))


def _attempt(name: str, work: Callable[[], object]) -> Feature:
    try:
        work()
    except (OSError, NsmError) as error:
        return _feature(name, str(error))
    return _feature(name)


def _feature(name: str, missing: str = "") -> Feature:
    return Feature(name, missing, FIXES.get(name, f"modprobe {name}") if missing else "")


def _links(fd: int) -> dict[str, Message]:
    """One message for each kind; a veth comes first, for others stand on it."""

    def end(index: int) -> NewEnd:
        return NewEnd(f"try{index}", index, fd)

    tunnel = Tunnel(1, ip_address("192.0.2.1"), ip_address("192.0.2.2"), 4789)
    parent = encode.number(rtnl.IFLA_LINK, PARENT)
    vlan = encode.attribute(IFLA_VLAN_ID, pack("=H", 1))
    return {
        "veth": encode.new_veth(end(PARENT), end(10)),
        "ipv6": encode.new_address(PARENT, ip_interface("2001:db8::1/128")),
        "vxlan": encode.new_vxlan(end(11), tunnel),
        "bridge": encode.new_link(end(12), "bridge"),
        "wireguard": encode.new_link(end(13), "wireguard"),
        "gretap": encode.new_link(end(14), "gretap"),
        "8021q": encode.new_link(end(15), "vlan", vlan, beside=parent),
    }
