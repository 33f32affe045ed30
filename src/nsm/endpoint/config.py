"""What an endpoint reads from the environment: upstream's names and defaults, and a few of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from nsm.api.cidr import Groups
from nsm.api.context import DnsConfig
from nsm.config import ConfigError, Url, setting
from nsm.identity.policies import Masks
from nsm.program import AdmittingSettings, WatchedSettings

CLIENT_POLICIES = (
    "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/client/.*.rego"
)


@dataclass(frozen=True, kw_only=True)
class Config(AdmittingSettings, WatchedSettings):
    """Settings of every endpoint."""

    name: str = setting("icmp-server", "name of this endpoint, unique in its domain")
    connect_to: Url = setting(
        "unix:///var/lib/networkservicemesh/nsm.io.sock", "the manager of this node"
    )
    listen_on: Url = setting("", "address to serve at; empty: a unix socket of our own making")
    dial_timeout: timedelta = setting("5s", "how long reaching the manager may take")
    service_names: tuple[str, ...] = setting("icmp-responder", "network services to serve")
    payload: str = setting("ETHERNET", "IP or ETHERNET: what a service registered by us carries")
    labels: Mapping[str, str] = setting("", "labels to register with, `key:value,…`")
    cidr_prefix: Groups = setting(
        "169.254.0.0/16",
        "address groups `[a,b],[c]`: every connection gets one pair of each",
    )
    dns_configs: tuple[DnsConfig, ...] = setting(
        "[]", "name service of the vWire, JSON: [{dns_server_ips, search_domains}]"
    )
    ipam_policy: Literal["polite", "strict"] = setting(
        "polite", "polite, or strict: addresses that are not ours to give are replaced"
    )
    idle_timeout: timedelta = setting("0", "stop after so long without connections; 0: never")
    register_service: bool = setting("true", "register the network services, too")
    unregister_itself: bool = setting("false", "unregister when told to stop")
    registry_client_policies: Masks = setting(
        CLIENT_POLICIES, "policies on what the manager's registry answers"
    )
    pbr_config_path: str = setting(
        "/etc/policy-based-routing/config.yaml", "policy routes; read again when the file changes"
    )
    netns: str = setting("/proc/self/ns/net", "namespace that gets the interfaces, as a path")
    state_dir: str = setting(
        "", "folder that keeps which addresses we gave to whom, or whom we led to, for a restart"
    )
    base_dir: str = setting("./", "accepted, and unused as it is upstream")

    def check(self) -> None:
        if self.admission_rules and not self.forwarder_ids:
            raise ConfigError("NSM_ADMISSION_RULES: say whose word counts in NSM_FORWARDER_IDS")
