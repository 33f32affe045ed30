"""What the identity authority reads from the environment."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from nsm.config import Url, setting
from nsm.identity.spiffe import check_trust_domain
from nsm.program import Settings


class TrustDomain(str):
    """The name of a trust domain, checked."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; Invalid says what is wrong."""
        return cls(check_trust_domain(text))


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """Settings of `nsm identity`."""

    name: str = setting("identity", "name of this authority")
    trust_domain: TrustDomain = setting("nsm", "the trust domain whose identities are given")
    listen_on: Url = setting(
        "unix:///run/nsm/identity/agent.sock", "where the SPIFFE Workload API is served"
    )
    entries: Path = setting(
        "/etc/nsm/identity/entries.yaml",
        "file saying who is who (YAML or JSON, key `entries`); read again when it changes",
    )
    federated_bundles: str = setting(
        "",
        "file of other trust domains' bundles (a SPIFFE bundle map: JSON, key `trust_domains`);"
        " read again when it changes",
    )
    store: str = setting(
        "",
        "directory where the authority's keys outlive it; empty: in memory only",
        aliases=("NSM_STATE_DIR",),
    )
    leaf_lifetime: timedelta = setting("1h", "how long an identity is good; renewed at half of it")
    authority_lifetime: timedelta = setting("168h", "how long a root is good; at least 4 leaves'")
