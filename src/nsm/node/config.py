"""What a node reads from the environment: NSM_FORWARDER_X is the forwarder's where both have X."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from nsm.components.forwarder.config import CLIENT_POLICIES, Accepted, Port, TunnelIp
from nsm.components.forwarder.config import Config as ForwarderConfig
from nsm.components.manager.config import Config as ManagerConfig
from nsm.config import Url, setting
from nsm.identity.policies import Masks

MANAGER = "inproc://manager"
PREFIX = "forwarder_"


@dataclass(frozen=True, kw_only=True)
class Config(ManagerConfig, Accepted):
    """Settings of `nsm node`."""

    forwarder_name: str = setting("forwarder", "name of the forwarder, unique in its domain")
    forwarder_dial_timeout: timedelta = setting("750ms", "as NSM_DIAL_TIMEOUT, of the forwarder")
    forwarder_max_token_lifetime: timedelta = setting(
        "24h", "as NSM_MAX_TOKEN_LIFETIME, of the forwarder"
    )
    forwarder_registry_client_policies: Masks = setting(
        CLIENT_POLICIES, "as NSM_REGISTRY_CLIENT_POLICIES, of the forwarder"
    )
    labels: Mapping[str, str] = setting("p2p:true", "labels the forwarder registers with")
    ns_name: str = setting("forwarder", "service it registers under", variable="NSM_NSNAME")
    tunnel_ip: TunnelIp = setting(
        meaning="address of this node that tunnels start from, IP or CIDR"
    )
    vxlan_port: Port = setting("4789", "UDP port of VXLAN tunnels")
    state_dir: str = setting(
        "/var/lib/networkservicemesh/forwarder", "where the ledger of what was built lies"
    )

    @property
    def forwarder(self) -> ForwarderConfig:
        """The forwarder's own settings; its manager is the other half."""
        here = {f.name for f in fields(self)}
        values = {
            f.name: getattr(self, PREFIX + f.name if PREFIX + f.name in here else f.name)
            for f in fields(ForwarderConfig)
            if f.name not in ("connect_to", "listen_on", "manager_ids")
        }
        return ForwarderConfig(**values, connect_to=Url(MANAGER), listen_on=Url(""), manager_ids=())
