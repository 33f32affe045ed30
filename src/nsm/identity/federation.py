"""What we know of other trust domains, from a file that their operators gave us.

The file is a SPIFFE bundle map: `{"trust_domains": {"other.org": {"keys": […]}}}`, each domain's
value being its SPIFFE bundle, as its bundle endpoint serves it: a key set where `x509-svid` keys
carry their certificate (`x5c`), and `jwt-svid` ones a name (`kid`).
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nsm.errors import Invalid
from nsm.identity import der, jwk
from nsm.identity.bundle import MAX_DOMAINS
from nsm.identity.changes import Changes
from nsm.identity.jwk import MOST_KEYS, Jwk
from nsm.identity.spiffe import check_trust_domain
from nsm.sdk.clock import Clock
from nsm.sdk.live_file import LiveFile


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another trust domain: the anchors of its certificates (DER), and the keys of its tokens."""

    anchors: tuple[bytes, ...] = ()
    keys: tuple[Jwk, ...] = ()


Domains = Mapping[str, Foreign]


class Federation:
    """The trust domains of a file as they are now; `changes` hears when they are others.

    Invalid when the file is bad to begin with. Where there is no path, there is nobody.
    """

    def __init__(self, path: str, own: str, changes: Changes, clock: Clock) -> None:
        self.domains: Domains = {}
        self._changes = changes
        self._clock = clock
        self._file: LiveFile[Domains] | None = None
        if path:
            self._file = LiveFile(path, partial(read_domains, own=own), {}, clock)
            self.domains = self._file.demand()

    async def watch(self) -> None:
        """Follow the file for ever."""
        while self._file is not None:
            await self._clock.sleep(self._file.every)
            if (domains := self._file()) != self.domains:
                self.domains = domains
                self._changes.mark()


def read_domains(text: bytes, own: str = "") -> Domains:
    """What a bundle map says; Invalid where it says nothing sensible, or speaks for `own`."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("not JSON") from None
    domains = said.get("trust_domains") if isinstance(said, dict) else None
    if not isinstance(domains, dict) or len(domains) > MAX_DOMAINS:
        raise Invalid(f"no `trust_domains`, at most {MAX_DOMAINS}, as a SPIFFE bundle map has")
    if own in domains:
        raise Invalid(f"{own} is our own trust domain, whose bundle is nobody else's to give")
    return {check_trust_domain(name): _foreign(name, bundle) for name, bundle in domains.items()}


def _foreign(name: str, bundle: object) -> Foreign:
    keys = bundle.get("keys") if isinstance(bundle, dict) else None
    if not isinstance(keys, list) or len(keys) > 2 * MOST_KEYS:
        raise Invalid(f"{name} has no list of keys, or too many")
    try:
        anchors = tuple(_anchor(key) for key in keys if _use(key) == "x509-svid")
        tokens = tuple(jwk.read(key) for key in keys if _use(key) == "jwt-svid")
    except Invalid as error:
        raise Invalid(f"{name}: {error.cause}") from None
    return Foreign(anchors, tokens)


def _use(key: object) -> object:
    """What a key is for; the standard has others ignored."""
    return key.get("use") if isinstance(key, dict) else None


def _anchor(key: Mapping[str, Any]) -> bytes:
    match key.get("x5c"):
        case [str(text)]:
            pass
        case _:
            raise Invalid("an x509-svid key has not one certificate (x5c)")
    try:
        certificate = b64decode(text, validate=True)
    except ValueError:
        raise Invalid("a certificate (x5c) is not base64") from None
    if der.split(certificate) != (certificate,):
        raise Invalid("a certificate (x5c) is not one certificate")
    return certificate
