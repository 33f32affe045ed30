"""The rules every hop checks, under the names upstream gives their files (W §5.4).

A policy looks at evidence and returns what is wrong with it, or None. All are pure. Two are
stricter than upstream's: a neighbour's token must name the very id that its certificate proved,
and must not outlive that certificate. Every honest hop's does both.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

from nsm.errors import Denied, Invalid
from nsm.identity import jwt
from nsm.identity.evidence import Evidence
from nsm.identity.rego import NAME, RegoFile, files

Policy = Callable[[Evidence], str | None]
SKEW = 1.0
"""Seconds by which a token may seem to outlive a certificate: both are rounded."""

COMMON = "etc/nsm/opa/common/.*.rego"
SERVER = (COMMON, "etc/nsm/opa/server/.*.rego")
CLIENT = (COMMON, "etc/nsm/opa/client/.*.rego")
REGISTRY_SERVER = (COMMON, "etc/nsm/opa/registry/.*.rego", "etc/nsm/opa/server/.*.rego")
REGISTRY_CLIENT = (COMMON, "etc/nsm/opa/registry/.*.rego", "etc/nsm/opa/client/.*.rego")


def tokens_valid(evidence: Evidence) -> str | None:
    """Every token can be read."""
    for at, token in enumerate(evidence.tokens):
        try:
            jwt.read(token)
        except Invalid as error:
            return f"hop {at}: {error.cause}"
    return None


def tokens_expired(evidence: Evidence) -> str | None:
    """Every token is still good."""
    for at, token in enumerate(evidence.tokens):
        expiry = jwt.read(token).exp
        if expiry is None:
            return f"the token of hop {at} never expires"
        if expiry <= evidence.now:
            return f"the token of hop {at} expired {evidence.now - expiry:.0f} s ago"
    return None


def tokens_chained(evidence: Evidence) -> str | None:
    """Every token was made for the hop after it, and for no one else."""
    claims = [jwt.read(token) for token in evidence.tokens]
    for at, (mine, after) in enumerate(pairwise(claims)):
        if mine.aud != (after.sub,) and set(mine.aud) != {after.sub}:
            return (
                f"the token of hop {at} was made for {_names(mine.aud)}, not {_names([after.sub])}"
            )
    return None


def prev_token_signed(evidence: Evidence) -> str | None:
    """The token before ours was signed by the very peer that called."""
    if evidence.index < 1:
        return "no token came with the call"
    return _signed(evidence, evidence.index - 1)


def next_token_signed(evidence: Evidence) -> str | None:
    """The token after ours was signed by the very peer that answered."""
    return _signed(evidence, evidence.index + 1)


def client_allowed(evidence: Evidence) -> str | None:
    """A name stays with whoever registered it first."""
    resource = evidence.resource
    if resource is None or resource.owner in ("", resource.by):
        return None
    owner, asker = _names([resource.owner]), _names([resource.by])
    return f"{resource.name[:200]!r} belongs to {owner}, not to {asker}"


def service_connection(evidence: Evidence) -> str | None:
    """Who watches connections is on one of them, as far as is known."""
    watched = evidence.watched
    if watched and watched.wanted & watched.known:
        return None
    return f"{evidence.peer.id} is on none of the connections it wants to watch"


POLICIES: dict[str, Policy] = {
    "common/tokens_valid": tokens_valid,
    "common/tokens_expired": tokens_expired,
    "common/tokens_chained": tokens_chained,
    "server/prev_token_signed": prev_token_signed,
    "client/next_token_signed": next_token_signed,
    "registry/client_allowed": client_allowed,
    "monitor/service_connection": service_connection,
}
"""All of them, in the order they are checked: each may rely on those above it."""


@dataclass(frozen=True, slots=True)
class Policies:
    """A choice of policies, and files of one's own, all of which must agree."""

    chosen: tuple[tuple[str, Policy], ...]
    files: tuple[RegoFile, ...] = ()

    @classmethod
    def select(cls, masks: Iterable[str]) -> Self:
        """Those whose files upstream would choose by these masks; Invalid for one without any.

        Reads and compiles files of one's own: to be called at the start.
        """
        names: set[str] = set()
        own: dict[Path, RegoFile] = {}
        for mask in masks:
            pattern = _pattern(mask)
            ours = [name for name in POLICIES if pattern.fullmatch(f"policies/{name}.rego")]
            theirs = {file.path: file for file in files(mask)}
            if not ours and not theirs:
                raise _chooses_nothing(mask)
            names.update(ours)
            own |= theirs
        chosen = tuple((name, POLICIES[name]) for name in POLICIES if name in names)
        return cls(chosen, tuple(own.values()))

    async def judge(self, evidence: Evidence, hop: str) -> None:
        """Raise Denied, naming the first policy that disagrees; ours are asked first.

        Nothing else happens meanwhile, unless there are files of one's own.
        """
        self.check(evidence, hop)
        for file in self.files:
            if wrong := await file.judge(evidence):
                raise Denied(f"refused by policy {file.path}: {wrong}", hop=hop)

    def check(self, evidence: Evidence, hop: str) -> None:
        """The same by our own policies alone."""
        for name, policy in self.chosen:
            try:
                wrong = policy(evidence)
            except Invalid as error:  # judged without tokens_valid before it
                wrong = error.cause
            if wrong:
                raise Denied(f"refused by policy {name}: {wrong}", hop=hop)


class Masks(tuple[str, ...]):
    """Policies as a setting names them: a comma list of masks, each of which chooses some."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it; Invalid says which mask chooses nothing."""
        masks = cls(part.strip() for part in text.split(",") if part.strip())
        Policies.select(masks)
        return masks


def _pattern(mask: str) -> re.Pattern[str]:
    try:
        return re.compile(mask.replace(NAME, "policies").lstrip("/"))
    except re.error as error:
        raise Invalid(f"policy mask {mask!r} is no regular expression: {error}") from None


def _chooses_nothing(mask: str) -> Invalid:
    ours = ", ".join(f"{NAME}/{name}.rego" for name in POLICIES)
    return Invalid(
        f"policy mask {mask!r} chooses nothing",
        fix=f"choose among {ours}, or name a .rego file that is there",
    )


def _signed(evidence: Evidence, at: int) -> str | None:
    if not 0 <= at < len(evidence.tokens):
        return f"there is no token of hop {at}"
    token, peer = evidence.tokens[at], evidence.peer
    if not jwt.signed_by(token, peer.leaf):
        return f"the token of hop {at} was not signed by {peer.id}"
    claims = jwt.read(token)
    if claims.sub != peer.id:
        return f"the token of hop {at} names {_names([claims.sub])}, but {peer.id} sent it"
    if claims.exp is not None and claims.exp > peer.not_after + SKEW:
        return f"the token of hop {at} outlives the certificate of {peer.id}"
    return None


def _names(ids: Sequence[str]) -> str:
    """Ids out of a token, fit to be shown."""
    return " and ".join(repr(id[:200]) for id in ids[:3]) or "nobody"
