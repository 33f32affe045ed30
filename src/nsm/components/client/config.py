"""What the client reads from the environment: upstream's names and defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from nsm.api.cidr import groups
from nsm.api.names import NsUrl
from nsm.config import ConfigError, Url, setting
from nsm.program import Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """An NS-URL, as it was written and as it is understood."""

    text: str
    url: NsUrl

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; Invalid says what is wrong."""
        return cls(text, NsUrl.parse(text))


class AwarenessGroups(tuple[tuple[NsUrl, ...], ...]):
    """`[url,url],[url]`: services that may have overlapping prefixes (W §14)."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read them; Invalid says what is wrong."""
        return cls(tuple(NsUrl.parse(url) for url in group) for group in groups(text))


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """Settings of `nsm client`."""

    name: str = setting("nsc", "name of this client, unique in its domain")
    connect_to: Url = setting(
        "unix:///var/lib/networkservicemesh/nsm.io.sock", "the manager of this node"
    )
    dial_timeout: timedelta = setting("5s", "how long reaching the manager may take")
    request_timeout: timedelta = setting("15s", "how long one try for a vWire may take")
    network_services: tuple[Wish, ...] = setting(
        "", "NS-URLs of what to connect to: kernel://service@domain/interface?label=value"
    )
    awareness_groups: AwarenessGroups = setting(
        "", "`[url,url],[url]`: services that may have overlapping prefixes"
    )
    labels: Mapping[str, str] = setting("", "accepted as upstream does; labels stand in NS-URLs")
    mechanism: str = setting("kernel", "accepted as upstream does; it stands in NS-URLs")
    local_dns_server_enabled: bool = setting("true", "accepted; the resolver comes later")
    local_dns_server_address: str = setting("127.0.0.1:53", "accepted; the resolver comes later")
    liveness_check_enabled: bool = setting("true", "check that the vWire carries, by ping")
    liveness_check_interval: timedelta = setting("200ms", "time between two checks")
    liveness_check_timeout: timedelta = setting("1s", "how long a check waits for its answers")
    netns: str = setting(
        "/proc/self/ns/net",
        "namespace that gets the interfaces, as a path",
    )
    state_dir: str = setting(
        "", "folder that keeps what our vWires are, for a restart together with the manager's"
    )

    def check(self) -> None:
        if not self.network_services:
            raise ConfigError("NSM_NETWORK_SERVICES is empty: say kernel://service/nsm-1")
