"""What the forwarder reads from the environment: upstream's names and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from nsm.config import setting
from nsm.program import Settings

CLIENT_POLICIES = (
    "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/client/.*.rego"
)


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """Settings of `nsm forwarder`."""

    name: str = setting("forwarder", "name of this forwarder, unique in its domain")
    labels: Mapping[str, str] = setting("p2p:true", "labels to register with")
    ns_name: str = setting("forwarder", "service to register under", variable="NSM_NSNAME")
    listen_on: str = setting("", "address to serve at; empty: a unix socket of our own making")
    connect_to: str = setting("unix:///connect.to.socket", "the manager of this node")
    dial_timeout: timedelta = setting(
        "750ms", "how long reaching the next hop may take (upstream: 50ms, too short under load)"
    )
    max_token_lifetime: timedelta = setting("24h", "how long a token we sign stays good")
    registry_client_policies: tuple[str, ...] = setting(
        CLIENT_POLICIES, "policies on what the manager's registry answers"
    )
    tunnel_ip: str = setting(meaning="address of this node that tunnels start from, IP or CIDR")
    vxlan_port: int = setting("4789", "UDP port of VXLAN tunnels")
    state_dir: str = setting(
        "/var/lib/networkservicemesh/forwarder", "where the ledger of what was built lies"
    )
