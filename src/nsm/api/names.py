"""Names across domains, and the URLs by which services, namespaces and files are named."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode

from nsm.api.mechanism import KERNEL, LOCAL, MEMIF, NAME, NOOP, VFIO, Mechanism
from nsm.errors import Invalid

LONGEST_NAME = 256
LONGEST_URL = 4096
LONGEST_VALUE = 1024
MOST_LABELS = 256
LOCAL_TYPES = frozenset((KERNEL, MEMIF, NOOP, VFIO))

_NS_URL = re.compile(r"([A-Za-z][A-Za-z0-9]*)://([^/?#]*)(?:/([^?#]*))?(?:\?([^#]*))?")
_NAME = re.compile(r"[^\s/?#:%\"<>\\^`{|}\[\]]+")
_INODE = re.compile(r"inode://([0-9]{1,20})/([0-9]{1,20})", re.ASCII)
_RESERVED = frozenset((".", "..", "all", "default", "lo"))
"""No interface's name: folders, two that mean every interface to sysctl, and loopback."""


def split(name: str) -> tuple[str, str]:
    """What is named, and in which domain; no domain is one's own (W §8.1)."""
    target, _, domain = name.partition("@")
    return target, domain


def join(target: str, domain: str) -> str:
    """The name that `split` takes apart."""
    return f"{target}@{domain}" if domain else target


def shown(text: str) -> str:
    """Hostile text, fit for an error: short and on one line."""
    return repr(text if len(text) <= 64 else text[:61] + "...")


def check_name(text: str, what: str = "name") -> str:
    """A service's, endpoint's or program's name, domain included, as itself."""
    if len(text) > LONGEST_NAME or not text.isprintable() or not _NAME.fullmatch(text):
        raise Invalid(
            f"{shown(text)} is no {what}",
            fix=f"1 to {LONGEST_NAME} characters; letters, digits, '-', '.', '_' and '@' are safe",
        )
    return text


def check_interface(name: str) -> str:
    """An interface name that the kernel takes as it stands, as itself."""
    good = name.isascii() and name.isprintable() and not set(name) & set("/: %")
    if not good or not 1 <= len(name) <= 15 or name in _RESERVED:
        raise Invalid(
            f"{shown(name)} cannot name an interface",
            fix="1 to 15 ASCII characters without '/', ':', '%' or blanks, such as nsm-1",
        )
    return name


@dataclass(frozen=True, slots=True)
class NsUrl:
    """A wish for a network service: `kernel://service@domain/nsm-1?app=web` (W §3.11)."""

    mechanism: str
    service: str
    interface: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, known: Collection[str] = LOCAL_TYPES) -> Self:
        """Read a URL; a repeated label's values are joined; `known` empty: any mechanism does."""
        match = _NS_URL.fullmatch(text)
        if match is None or len(text) > LONGEST_URL or not text.isprintable():
            raise Invalid(
                f"{shown(text)} is no NS-URL", fix="write kernel://service/nsm-1?label=value"
            )
        mechanism, service, interface, query = match.groups(default="")
        return cls(
            _known(mechanism.upper(), known),
            _service(unquote(service)),
            check_interface(unquote(interface)) if interface else "",
            _labels(query),
        )

    @property
    def offer(self) -> Mechanism:
        """The preference to ask with."""
        return Mechanism(LOCAL, self.mechanism, {NAME: self.interface} if self.interface else {})

    def __str__(self) -> str:
        path = f"/{quote(self.interface)}" if self.interface else ""
        query = f"?{urlencode(self.labels)}" if self.labels else ""
        return f"{self.mechanism.lower()}://{self.service}{path}{query}"


@dataclass(frozen=True, slots=True)
class InodeUrl:
    """A file by raw `st_dev` and `st_ino`, as the other side of a socket knows it (W §4.4)."""

    dev: int
    ino: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `inode://dev/ino`, both decimal and of 64 bits."""
        match = _INODE.fullmatch(text)
        if match is None or max(numbers := [int(part) for part in match.groups()]) >= 1 << 64:
            raise Invalid(f"{shown(text)} is no inode URL", fix="write inode://<st_dev>/<st_ino>")
        return cls(*numbers)

    @classmethod
    def is_said_by(cls, text: str) -> bool:
        """Whether the URL claims to be one."""
        return text.startswith("inode:")

    def __str__(self) -> str:
        return f"inode://{self.dev}/{self.ino}"


@dataclass(frozen=True, slots=True)
class FileUrl:
    """A file by its path: `file:///proc/7/fd/9`, or a socket: `unix:///run/nsm.sock`."""

    path: str
    scheme: str = "file"

    @classmethod
    def parse(cls, text: str, scheme: str = "file") -> Self:
        """Read a URL of this scheme; the path is absolute and never goes up."""
        start = f"{scheme}://"
        path = unquote(text.removeprefix(start))
        good = text.startswith(f"{start}/") and len(text) <= LONGEST_URL and path.isprintable()
        if not good or ".." in path.split("/") or {"?", "#"} & set(text):
            raise Invalid(
                f"{shown(text)} is no {scheme} URL", fix=f"write {start} and an absolute path"
            )
        return cls(path, scheme)

    @classmethod
    def is_said_by(cls, text: str, scheme: str = "file") -> bool:
        """Whether the URL claims to be one."""
        return text.startswith(f"{scheme}:")

    def __str__(self) -> str:
        return f"{self.scheme}://{quote(self.path)}"


def _known(mechanism: str, known: Collection[str]) -> str:
    if known and mechanism not in known:
        names = ", ".join(sorted(known)).lower()
        raise Invalid(f"mechanism {shown(mechanism.lower())} is not known", fix=f"one of {names}")
    return mechanism


def _service(name: str) -> str:
    target, at, domain = name.partition("@")
    if not target or (at and not domain):
        raise Invalid(f"{shown(name)} names no service", fix="write service or service@domain")
    return check_name(name, "service name")


def _labels(query: str) -> dict[str, str]:
    read: dict[str, str] = {}
    for key, value in _pairs(query):
        read[key] = f"{read[key]},{value}" if key in read else value
    check_labels(read)
    return read


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_LABELS)
    except ValueError:
        raise Invalid(f"{shown(query)} are no labels", fix="write a=b&c=d") from None


def check_labels(labels: Mapping[str, str], what: str = "label") -> None:
    """As many and as long as anyone needs, and nothing in them that would garble a log."""
    if len(labels) > MOST_LABELS:
        raise Invalid(f"{len(labels)} {what}s", fix=f"no more than {MOST_LABELS}")
    for key, value in labels.items():
        if not key or len(key) > LONGEST_NAME or not key.isprintable():
            raise Invalid(f"{shown(key)} cannot be the key of a {what}")
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise Invalid(f"{what} {shown(key)} has a value that is too long or not printable")
