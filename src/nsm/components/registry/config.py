"""What the registry reads from the environment: upstream's names and defaults, and ours."""

from dataclasses import dataclass
from datetime import timedelta

from nsm.config import Url, setting
from nsm.identity.policies import Masks
from nsm.program import AdmittingSettings


@dataclass(frozen=True, kw_only=True)
class Config(AdmittingSettings):
    """Settings of `nsm registry`."""

    name: str = setting("registry", "name of this registry, for logs and status")
    listen_on: tuple[Url, ...] = setting("unix:///listen.on.socket", "addresses to serve at")
    registry_server_policies: Masks = setting(
        "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/server/.*.rego",
        "policies on registrations that reach us",
    )
    registry_client_policies: Masks = setting(
        "etc/nsm/opa/common/.*.rego,etc/nsm/opa/registry/.*.rego,etc/nsm/opa/client/.*.rego",
        "policies on what other domains' registries answer",
    )
    proxy_registry_url: Url = setting("", "who knows the way to other domains; empty: nobody")
    dial_timeout: timedelta = setting("300ms", "how long reaching that one may take")
    expire_period: timedelta = setting(
        "1s", "accepted and ignored, as upstream: unrefreshed endpoints are kept for a minute"
    )
    forwarder_network_service_name: str = setting(
        "forwarder", "the service under which forwarders register"
    )
    max_records: int = setting("100000", "network services, and endpoints, that are kept at most")
    max_watchers: int = setting("100000", "watches of each that are served at once at most")
    store: str = setting(
        "", "file that keeps records, and whose names are, across restarts; empty: memory only"
    )
