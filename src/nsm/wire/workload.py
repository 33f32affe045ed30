"""The SPIFFE Workload API's messages; certificates and keys are DER."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class X509SvidRequest:
    """Which X.509 identities are mine?"""


@dataclass(frozen=True, slots=True)
class X509Svid:
    """An identity: its chain (leaf first), key (PKCS #8) and trust domain's bundle."""

    spiffe_id: str = ""
    x509_svid: bytes = b""
    x509_svid_key: bytes = field(default=b"", repr=False)
    bundle: bytes = field(default=b"", repr=False)
    hint: str = ""


@dataclass(frozen=True, slots=True)
class X509SvidResponse:
    """One's identities, best first, and the bundles of other trust domains by their id."""

    svids: tuple[X509Svid, ...] = ()
    crl: tuple[bytes, ...] = ()
    federated_bundles: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class X509BundlesRequest:
    """Whose certificates may I trust?"""


@dataclass(frozen=True, slots=True)
class X509BundlesResponse:
    """Bundles by trust domain id."""

    crl: tuple[bytes, ...] = ()
    bundles: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JwtSvidRequest:
    """A token for this audience, please; `spiffe_id` picks one identity of several."""

    audience: tuple[str, ...] = ()
    spiffe_id: str = ""


@dataclass(frozen=True, slots=True)
class JwtSvid:
    """An identity as a token."""

    spiffe_id: str = ""
    svid: str = field(default="", repr=False)
    hint: str = ""


@dataclass(frozen=True, slots=True)
class JwtSvidResponse:
    """Tokens, best first."""

    svids: tuple[JwtSvid, ...] = ()


@dataclass(frozen=True, slots=True)
class JwtBundlesRequest:
    """Whose tokens may I trust?"""


@dataclass(frozen=True, slots=True)
class JwtBundlesResponse:
    """Key sets (JWKS, JSON) by trust domain id."""

    bundles: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ValidateJwtSvidRequest:
    """Is this token good, for this audience?"""

    audience: str = ""
    svid: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ValidateJwtSvidResponse:
    """Whose it is and what it says; `claims` is absent where there were none."""

    spiffe_id: str = ""
    claims: Mapping[str, object] | None = None
