"""What endpoints that pass on read from the environment, beside what all endpoints read."""

from dataclasses import dataclass
from datetime import timedelta

from nsm.api.cidr import Groups
from nsm.api.names import NsUrl
from nsm.config import ConfigError, setting
from nsm.endpoint.config import Config


@dataclass(frozen=True, kw_only=True)
class PassthroughConfig(Config):
    """Settings of `nsm endpoint passthrough`: it hands out no addresses of its own."""

    name: str = setting("passthrough", "name of this endpoint, unique in its domain")
    cidr_prefix: Groups = setting("", "not used: addresses come from the endpoint at the end")
    network_services: tuple[NsUrl, ...] = setting(
        "",
        "what to pass on to, an NS-URL kernel://service/interface?label=value;"
        " empty: our own service under our own labels",
    )
    request_timeout: timedelta = setting("15s", "how long one try onward may take")

    def check(self) -> None:
        super().check()
        if len(self.network_services) > 1:
            raise ConfigError("NSM_NETWORK_SERVICES: an endpoint passes on to one service")


@dataclass(frozen=True, kw_only=True)
class FirewallConfig(PassthroughConfig):
    """Settings of `nsm endpoint firewall`: what may pass, and what happens to the rest."""

    name: str = setting("firewall-server", "name of this endpoint, unique in its domain")
    acl_config_path: str = setting(
        "/etc/firewall/config.yaml",
        "file of rules: a list of nft expressions, or upstream's map of ACL entries",
    )
    acl_config: str = setting("", "the same in place of a file")
