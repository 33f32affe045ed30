"""What a firewall lets through, as nft expressions: written so, or as an ACL (VPP's fields)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nsm.dataplane.plan.side import network
from nsm.errors import Invalid

MOST = 1024
LONGEST = 512
NOT_RULES = ("include", "define", "redefine", "undefine", "chain", "table", "set", "type", "policy")
OLD = "(established|related)"
REPLIES = re.compile(rf"ct state (\{{ *)?{OLD}( *, *{OLD})*( *\}})? (counter )?accept")
TRACKED = re.compile(r"\bct\s")
WITH_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}
ICMP = {1: "icmp", 58: "icmpv6"}
ACL_NUMBERS = frozenset(
    {
        "ispermit",
        "proto",
        "srcportoricmptypefirst",
        "srcportoricmptypelast",
        "dstportoricmpcodefirst",
        "dstportoricmpcodelast",
    }
)
ACL_PREFIXES = {"srcprefix": "saddr", "dstprefix": "daddr"}


@dataclass(frozen=True, slots=True)
class Rules:
    """Expressions in order, first verdict wins, and the verdict where none fits.

    They hold for packets of both directions; replies to what was let through pass as well.
    """

    expressions: tuple[str, ...] = ()
    otherwise: str = "accept"

    @property
    def any(self) -> bool:
        """Whether anything at all is held back or looked at."""
        return bool(self.expressions) or self.otherwise != "accept"


def written(expressions: Sequence[str], otherwise: str = "accept") -> Rules:
    """Rules as nft says them ("tcp dport 8080 accept"); Invalid if one is more than a rule.

    That replies are accepted need not be said, so a rule that says it is left out.
    """
    if otherwise not in ("accept", "drop"):
        raise Invalid(f"{otherwise[:20]!r} is neither accept nor drop")
    if len(expressions) > MOST:
        raise Invalid(f"{len(expressions)} rules: at most {MOST}")
    said = [expression.strip() for expression in expressions]
    return Rules(tuple(_one_rule(text) for text in said if not REPLIES.fullmatch(text)), otherwise)


def acl(entries: Mapping[str, Mapping[str, object]]) -> Rules:
    """Rules from a map of name to ACL entry, as NSM_ACL_CONFIG_PATH has; the rest is dropped."""
    if len(entries) > MOST:
        raise Invalid(f"{len(entries)} rules: at most {MOST}")
    said = tuple(_entry(name, entry) for name, entry in entries.items())
    return Rules(said, "drop" if said else "accept")


def _one_rule(text: str) -> str:
    """The text, if it can only be one rule: it must not close the chain it stands in."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0 or character in ";#\\" or not character.isprintable():
            raise Invalid(f"{text[:60]!r} is not one nft rule")
    if depth or not text or len(text) > LONGEST or text.split()[0] in NOT_RULES:
        raise Invalid(f"{text[:60]!r} is not one nft rule")
    if TRACKED.search(text):
        fix = "leave it out: replies to what is let through pass anyway"
        raise Invalid(f"{text[:60]!r}: connections are not tracked where packets pass", fix=fix)
    return text


def _entry(name: str, entry: Mapping[str, object]) -> str:
    known = {str(key).lower(): value for key, value in entry.items()}
    if unknown := known.keys() - ACL_NUMBERS - ACL_PREFIXES.keys():
        raise Invalid(f"ACL rule {name[:40]!r}: unknown {', '.join(sorted(unknown))[:100]}")
    numbers = {key: _number(name, key, known.get(key, 0)) for key in ACL_NUMBERS}
    matches = [
        _prefix(where, str(known[key])) for key, where in ACL_PREFIXES.items() if key in known
    ]
    matches += _protocol(numbers)
    verdict = "accept" if numbers["ispermit"] else "drop"
    return " ".join((*matches, verdict))


def _protocol(numbers: Mapping[str, int]) -> list[str]:
    proto = numbers["proto"]
    first = (numbers["srcportoricmptypefirst"], numbers["srcportoricmptypelast"])
    second = (numbers["dstportoricmpcodefirst"], numbers["dstportoricmpcodelast"])
    said = [f"meta l4proto {proto}"] if proto else []
    if name := WITH_PORTS.get(proto):
        said += _range(f"{name} sport", first, 65535) + _range(f"{name} dport", second, 65535)
    elif name := ICMP.get(proto):
        said += _range(f"{name} type", first, 255) + _range(f"{name} code", second, 255)
    return said


def _range(what: str, ends: tuple[int, int], most: int) -> list[str]:
    """Nothing for the whole range, and for 0 to 0, which is how an ACL leaves it out."""
    first, last = ends[0], min(ends[1], most)
    if first == 0 and last in (0, most):
        return []
    if first > last:
        raise Invalid(f"ACL range {first} to {ends[1]} of {what} is the wrong way round")
    return [f"{what} {first}-{last}" if first < last else f"{what} {first}"]


def _prefix(where: str, text: str) -> str:
    prefix = network(text)
    return f"{'ip' if prefix.version == 4 else 'ip6'} {where} {prefix}"


def _number(name: str, key: str, value: object) -> int:
    if isinstance(value, bool) and key == "ispermit":
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise Invalid(f"ACL rule {name[:40]!r}: {key} must be a number from 0 to 65535")
    return value
