"""How a hop's end of a vWire is to be made: a class, a type, and parameters that are all text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

LOCAL = "LOCAL"
REMOTE = "REMOTE"

KERNEL = "KERNEL"
MEMIF = "MEMIF"
VXLAN = "VXLAN"
WIREGUARD = "WIREGUARD"
IPSEC = "IPSEC"
VLAN = "VLAN"
VFIO = "VFIO"
SRV6 = "SRV6"
NOOP = "NOOP"

INODE_URL = "inodeURL"
"""Parameter: the network namespace, as a URL (see `nsm.api.names.InodeUrl`)."""
NAME = "name"
"""Parameter: the interface's name, at most 15 bytes."""
SRC_IP, DST_IP = "src_ip", "dst_ip"
SRC_PORT, DST_PORT = "src_port", "dst_port"
ORIG_SRC_IP, ORIG_DST_IP = "orig_src_ip", "orig_dst_ip"
VNI = "vni"
MTU = "MTU"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One offer, or the one selected; types compare as exact upper-case text."""

    cls: str = ""
    type: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    rest: bytes = b""

    def get(self, key: str) -> str:
        """A parameter's text, empty when it is not there."""
        return self.parameters.get(key, "")

    def having(self, **parameters: str) -> Self:
        """The same mechanism with these parameters set; keyword names are the wire's."""
        return type(self)(self.cls, self.type, {**self.parameters, **parameters}, self.rest)

    def without(self, *keys: str) -> Self:
        """The same mechanism with these parameters gone."""
        kept = {k: v for k, v in self.parameters.items() if k not in keys}
        return type(self)(self.cls, self.type, kept, self.rest)
