"""What the manager reads from the environment: upstream's names and defaults."""

from dataclasses import dataclass
from datetime import timedelta

from nsm.config import Url, setting
from nsm.identity.policies import Masks
from nsm.program import AdmittingSettings, WatchedSettings

SERVER_POLICIES = (
    "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/server/.*.rego"
)
CLIENT_POLICIES = (
    "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/client/.*.rego"
)


@dataclass(frozen=True, kw_only=True)
class Config(AdmittingSettings, WatchedSettings):
    """Settings of `nsm manager`."""

    name: str = setting("nmgr", "name of this manager, unique in its domain")
    listen_on: tuple[Url, ...] = setting(
        "unix:///var/lib/networkservicemesh/nsm.io.sock", "addresses to serve at"
    )
    registry_url: Url = setting(
        "tcp://localhost:5001", "registry to find and register in; empty: one in memory"
    )
    registry_outage: timedelta = setting(
        "1h", "how long to go on with what is known while the registry is away; 0: not at all"
    )
    registry_server_policies: Masks = setting(
        SERVER_POLICIES, "policies on registrations that reach us"
    )
    registry_client_policies: Masks = setting(
        CLIENT_POLICIES, "policies on what the registry answers"
    )
    dial_timeout: timedelta = setting("750ms", "how long reaching the next hop may take")
    forwarder_network_service_name: str = setting(
        "forwarder", "the service under which forwarders register"
    )
    excluded_prefixes: str = setting(
        "/var/lib/networkservicemesh/config/excluded_prefixes.yaml",
        "file of prefixes (key `prefixes`) that no vWire may use; read again when it changes",
    )
