"""Who is who on this host: SPIFFE ids, and by what their holders are known.

    entries:
      - id: spiffe://hello/ns/hello/web
        netns: /run/nsm/hello/netns/web      # or inode://<dev>/<ino>
      - id: spiffe://hello/ns/hello/backup
        uid: 1000
        exe: /usr/local/bin/backup           # or inode://<dev>/<ino>
      - id: spiffe://hello/ns/hello/cache
        sha256: 5f0c…                        # 64 hex digits: of the executable, wherever it lies
        cgroup: /system.slice/cache*.service

All selectors of an entry must hold. Paths stand for what lies there when a caller comes, by device
and inode. The executable of a script is its interpreter: tell scripts apart by something else. In
`cgroup`, `*` and `?` stand for anything but a slash, `**` for anything; it must match the whole of
one path in /proc/<pid>/cgroup (v2 has one, v1 one for each hierarchy) as the authority sees it.
Further selectors are `gid` and `pid`, the latter with `started` (field 22 of /proc/<pid>/stat) to
tell it from a later process of the same number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import yaml

from nsm.documents import compose
from nsm.errors import Invalid
from nsm.identity.caller import Caller, inode
from nsm.identity.spiffe import SpiffeId
from nsm.sdk.files import Inode

MOST_ENTRIES = 10_000
NUMBERS = ("pid", "started", "uid", "gid")
PLACES = ("netns", "exe")
TEXTS = ("sha256", "cgroup")
KEYS = ("id", "hint", *NUMBERS, *PLACES, *TEXTS)


@dataclass(frozen=True, slots=True)
class Entry:
    """An id, and the selectors that its holder must match: numbers, and files by path or inode."""

    id: SpiffeId
    numbers: tuple[tuple[str, int], ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    sha256: str = ""
    cgroup: str = ""

    @property
    def weight(self) -> int:
        """How specific it is."""
        return len(self.numbers) + len(self.places) + bool(self.sha256) + bool(self.cgroup)

    def admits(self, caller: Caller) -> bool:
        """Whether the caller matches every selector; files are looked up now, by inode."""
        return self.sha256 in ("", caller.sha256) and self.may_admit(caller)

    def may_admit(self, caller: Caller) -> bool:
        """The same, whatever the caller's executable holds."""
        seen = {"pid": caller.pid, "started": caller.started, "uid": caller.uid, "gid": caller.gid}
        there = {"netns": caller.netns, "exe": caller.exe}
        return (
            all(seen[key] == number for key, number in self.numbers)
            and (not self.cgroup or any(map(_glob(self.cgroup).fullmatch, caller.cgroups)))
            and all(_is_at(there[key], place) for key, place in self.places)
        )

    def plain(self) -> dict[str, str | int]:
        """What is written of it."""
        texts = {"sha256": self.sha256, "cgroup": self.cgroup, "hint": self.hint}
        told = {key: text for key, text in texts.items() if text}
        return {"id": str(self.id), **dict(self.numbers), **dict(self.places), **told}


def matching(entries: tuple[Entry, ...], caller: Caller) -> tuple[Entry, ...]:
    """The entries that admit the caller, the most specific first, else in the file's order."""
    found = (entry for entry in entries if entry.admits(caller))
    return tuple(sorted(found, key=lambda entry: -entry.weight))


def read_entries(text: str, trust_domain: str) -> tuple[Entry, ...]:
    """Read YAML (or JSON); Invalid tells all that is wrong, each with its line."""
    root = compose(text)
    reader = _Reader(trust_domain)
    entries = tuple(reader.entries(root))
    if reader.wrong:
        more = f"; and {len(reader.wrong) - 20} more" if len(reader.wrong) > 20 else ""
        raise Invalid("; ".join(reader.wrong[:20]) + more)
    return entries


class _Reader:
    """Goes through the nodes, and notes everything that is wrong with them."""

    def __init__(self, trust_domain: str) -> None:
        self.trust_domain = trust_domain
        self.wrong: list[str] = []

    def entries(self, root: yaml.Node | None) -> Iterator[Entry]:
        if root is None:
            return
        fields = self.fields(root, ("entries",))
        node = fields.get("entries")
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode) or len(node.value) > MOST_ENTRIES:
            self.complain(node, f"entries is not a list of at most {MOST_ENTRIES}")
            return
        for item in node.value:
            if entry := self.entry(item):
                yield entry

    def entry(self, node: yaml.Node) -> Entry | None:
        fields = self.fields(node, KEYS)
        texts = {key: self.text(key, value) for key, value in fields.items()}
        numbers = [
            (key, self.number(key, fields[key], texts[key])) for key in NUMBERS if key in texts
        ]
        places = [(key, self.place(key, fields[key], texts[key])) for key in PLACES if key in texts]
        told = {key: texts[key] for key in ("hint", *TEXTS) if key in texts}
        if "sha256" in told and not re.fullmatch(r"[0-9a-f]{64}", told["sha256"]):
            self.complain(fields["sha256"], "sha256 is not 64 hex digits in lower case")
        if "cgroup" in told and not re.fullmatch(r"(?:/|\*\*)[^\0]*", told["cgroup"]):
            self.complain(fields["cgroup"], "cgroup begins with neither a slash nor **")
        if not fields.keys() & {*NUMBERS, *PLACES, *TEXTS}:
            self.complain(node, "an entry without selectors would be everyone's: add one, as netns")
        if "started" in texts and "pid" not in texts:
            self.complain(node, "started says nothing without pid")
        id = self.id(fields.get("id", node), texts.get("id", ""))
        return Entry(id, tuple(numbers), tuple(places), **told) if id else None

    def fields(self, node: yaml.Node, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.complain(node, f"not a mapping with the keys {', '.join(known)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known:
                self.complain(key, f"unknown key {name[:60]!r}; known are {', '.join(known)}")
            elif name in found:
                self.complain(key, f"{name} stands twice")
            else:
                found[name] = value
        return found

    def text(self, key: str, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode) and len(node.value) <= 4096:
            return str(node.value)
        self.complain(node, f"{key} is not a text")
        return ""

    def number(self, key: str, node: yaml.Node, text: str) -> int:
        if re.fullmatch(r"\d{1,19}", text, re.ASCII):
            return int(text)
        self.complain(node, f"{key} is not a number")
        return -1

    def place(self, key: str, node: yaml.Node, text: str) -> str:
        if not re.fullmatch(r"/[^\0]+|inode://\d{1,19}/\d{1,19}", text, re.ASCII):
            self.complain(node, f"{key} is neither an absolute path nor inode://<dev>/<ino>")
        return text

    def id(self, node: yaml.Node, text: str) -> SpiffeId | None:
        try:
            id = SpiffeId.parse(text)
        except Invalid as error:
            self.complain(node, f"id: {error}")
            return None
        if id.trust_domain != self.trust_domain or not id.path:
            self.complain(node, f"{id} is no member of trust domain {self.trust_domain}")
        return id

    def complain(self, node: yaml.Node, what: str) -> None:
        self.wrong.append(f"line {node.start_mark.line + 1}: {what}")


def _is_at(found: Inode | None, place: str) -> bool:
    return found is not None and found == _resolve(place)


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _resolve(place: str) -> Inode | None:
    if place.startswith("inode://"):
        dev, _, ino = place.removeprefix("inode://").partition("/")
        return Inode(int(dev), int(ino))
    return inode(place)
