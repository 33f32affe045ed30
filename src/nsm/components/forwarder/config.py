"""What the forwarder reads from the environment: upstream's names and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from nsm.admission.glob import IdGlob
from nsm.api.cidr import host
from nsm.config import Url, integer, setting
from nsm.identity.policies import Masks
from nsm.program import Settings, WatchedSettings

CLIENT_POLICIES = (
    "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/client/.*.rego"
)


class TunnelIp(str):
    """An address of this node, as itself or as a CIDR."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; Invalid says what is wrong."""
        host(text)
        return cls(text)


class Port(int):
    """A UDP port."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; ValueError for what is none."""
        port = cls(integer(text))
        if not 0 < port < 1 << 16:
            raise ValueError("not a port from 1 to 65535")
        return port


OVS = "accepted for upstream's manifests; there is no bridge in the way of packets here"
SRIOV = "accepted for upstream's manifests; SR-IOV comes later"


@dataclass(frozen=True, kw_only=True)
class Accepted(Settings):
    """What upstream's forwarder reads, and ours has no use for."""

    bridge_name: str = setting("br-nsm", OVS)
    l2_resource_selector_file: str = setting("", OVS)
    resource_poll_timeout: timedelta = setting("30s", SRIOV)
    device_plugin_path: str = setting("/var/lib/kubelet/device-plugins/", SRIOV)
    pod_resources_path: str = setting("/var/lib/kubelet/pod-resources/", SRIOV)
    sriov_config_file: str = setting("pci.config", SRIOV)
    pci_devices_path: str = setting("/sys/bus/pci/devices", SRIOV)
    pci_drivers_path: str = setting("/sys/bus/pci/drivers", SRIOV)
    cgroup_path: str = setting("/host/sys/fs/cgroup/devices", SRIOV)
    vfio_path: str = setting("/host/dev/vfio", SRIOV)


@dataclass(frozen=True, kw_only=True)
class Config(Accepted, WatchedSettings):
    """Settings of `nsm forwarder`."""

    name: str = setting("forwarder", "name of this forwarder, unique in its domain")
    labels: Mapping[str, str] = setting("p2p:true", "labels to register with")
    ns_name: str = setting("forwarder", "service to register under", variable="NSM_NSNAME")
    listen_on: Url = setting("", "address to serve at; empty: a unix socket of our own making")
    connect_to: Url = setting("unix:///connect.to.socket", "the manager of this node")
    dial_timeout: timedelta = setting(
        "750ms", "how long reaching the next hop may take (upstream: 50ms, too short under load)"
    )
    max_token_lifetime: timedelta = setting("24h", "how long a token we sign stays good")
    registry_client_policies: Masks = setting(
        CLIENT_POLICIES, "policies on what the manager's registry answers"
    )
    manager_ids: tuple[IdGlob, ...] = setting(
        "",
        "globs over ids: who may ask us; empty: ids beside our own",
    )
    tunnel_ip: TunnelIp = setting(
        meaning="address of this node that tunnels start from, IP or CIDR"
    )
    vxlan_port: Port = setting("4789", "UDP port of VXLAN tunnels")
    state_dir: str = setting(
        "/var/lib/networkservicemesh/forwarder", "where the ledger of what was built lies"
    )
