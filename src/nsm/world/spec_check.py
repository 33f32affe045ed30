"""What only the whole file can show: names used twice, names that point nowhere, overlaps."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nsm.values import Problems, Value, closest
from nsm.world.ground import MAX_PODS
from nsm.world.spec import Want
from nsm.world.spec_words import Network

RESERVED = ("registry", "identity")
HALVES = ("manager", "forwarder")
"""A node's programs go by `manager-<node>` and `forwarder-<node>` on the wire."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix an endpoint hands addresses out of."""

    value: Value
    network: Network
    owner: str
    domain: str


@dataclass(slots=True)
class Facts:
    """What the file's parts say of each other, gathered while they are read."""

    problems: Problems
    domains: set[str] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[str, Value]] = field(default_factory=list)
    services: set[tuple[str, str]] = field(default_factory=set)
    serving: list[tuple[Value, str]] = field(default_factory=list)
    wants: list[tuple[Value, Want, str]] = field(default_factory=list)
    prefixes: list[Prefix] = field(default_factory=list)

    def occupy(self, names: Iterable[str], value: Value | None = None) -> None:
        """Something runs under these names; no two things may."""
        for name in names:
            if value is not None and name in self.names:
                value.wrong(
                    f"the name {name!r} is taken in line {self.names[name]}", "choose another"
                )
                return
            self.names[name] = value.line if value else 1
            if value is not None:
                self.taken.append((name, value))

    def serve(self, service: str, domain: str, value: Value | None = None) -> None:
        """Someone offers `service` in `domain`."""
        self.services.add((service, domain))
        if value is not None:
            self.serving.append((value, domain))


def check(facts: Facts) -> None:
    """Complain of what does not fit together."""
    _reserved(facts)
    _crowd(facts)
    for value, domain in facts.serving:
        _known_domain(facts, value, domain)
    for value, want, home in facts.wants:
        _wanted(facts, value, want, want.domain or home)
    _overlaps(facts.prefixes)


def _reserved(facts: Facts) -> None:
    halves = {f"{half}-{name}" for name in facts.names for half in HALVES}
    for name, value in facts.taken:
        if name in RESERVED or name in halves:
            value.wrong(f"the name {name!r} is one of the mesh's own", "choose another")


def _crowd(facts: Facts) -> None:
    if len(facts.names) > MAX_PODS:
        facts.problems.add(1, f"{len(facts.names)} things on one host", f"have at most {MAX_PODS}")


def _known_domain(facts: Facts, value: Value, domain: str) -> bool:
    if domain not in facts.domains:
        value.wrong(f"there is no domain {domain!r} here", closest(domain, tuple(facts.domains)))
    return domain in facts.domains


def _wanted(facts: Facts, value: Value, want: Want, domain: str) -> None:
    if _known_domain(facts, value, domain) and (want.service, domain) not in facts.services:
        here = tuple(sorted(service for service, where in facts.services if where == domain))
        missing = f"no endpoint serves {want.service!r}"
        value.wrong(missing, closest(want.service, here) if here else "add an endpoint")


def _overlaps(prefixes: list[Prefix]) -> None:
    """Between endpoints the same prefix is a pool each hands out for itself, as replicas do."""
    ordered = sorted(prefixes, key=_sorting)
    widest: Prefix | None = None
    for before, one in zip([None, *ordered], ordered, strict=False):
        clash = next((other for other in (before, widest) if other and _clash(other, one)), None)
        if clash is not None:
            what = f"{one.network} overlaps {clash.network} of {clash.owner}"
            one.value.wrong(what, "give each a prefix of its own")
        if widest is None or not _contains(widest, one):
            widest = one


def _sorting(prefix: Prefix) -> tuple[str, int, int, int, str]:
    network = prefix.network
    start = int(network.network_address)
    return prefix.domain, network.version, start, network.prefixlen, prefix.owner


def _contains(one: Prefix, other: Prefix) -> bool:
    same = one.domain == other.domain and one.network.version == other.network.version
    return same and int(other.network.network_address) <= int(one.network.broadcast_address)


def _clash(one: Prefix, other: Prefix) -> bool:
    differ = one.owner == other.owner or one.network != other.network
    return differ and _contains(one, other)
