"""Processes as /proc shows them: when they began, what they cost, whose they are.

Paths are plain text here: a `Path` makes Python keep each of its parts for a moment in a table of
such words, which grows with every pid and again with every look, in steps of a megabyte.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = "/proc"
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
Key = tuple[int, int]
"""What a file or a namespace is known by, whatever it is called: device and inode."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process takes up."""

    rss_mb: float = 0.0
    cpu_s: float = 0.0


def fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; empty when it has gone."""
    try:
        text = _read(pid, "stat").decode(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def began(pid: int) -> int:
    """When a process began, in ticks since the host did; 0 when it has gone."""
    found = fields(pid)
    return int(found[19]) if found else 0


def alive(pid: int, start: int) -> bool:
    """Whether the process that began then still runs; one that only waits to be buried does not."""
    found = fields(pid)
    return bool(found) and found[0] not in "ZX" and int(found[19]) == start


def cost(pid: int) -> Cost:
    """Memory and CPU time of a process."""
    found = fields(pid)
    if not found:
        return Cost()
    cpu = (int(found[11]) + int(found[12])) / TICK
    return Cost(round(int(found[21]) * PAGE / 1e6, 1), round(cpu, 2))


def pids() -> Iterator[int]:
    """Every process there is."""
    return (int(entry) for entry in os.listdir(PROC) if entry.isdecimal())


def environment(pid: int) -> dict[str, str]:
    """What a process was started with; empty where that may not be known."""
    with suppress(OSError):
        words = _read(pid, "environ").split(b"\0")
        pairs = (os.fsdecode(word).partition("=") for word in words if b"=" in word)
        return {name: value for name, _, value in pairs}
    return {}


def namespace(pid: int, kind: str = "net") -> Key | None:
    """A namespace that a process stands in."""
    return key(f"{PROC}/{pid}/ns/{kind}")


def found(pid: int, path: Path | str) -> Key | None:
    """What a process finds at an absolute path, in the mount namespace that it stands in."""
    return key(f"{PROC}/{pid}/root/{str(path).lstrip('/')}")


def key(path: Path | str) -> Key | None:
    """What there is at a path; None where nothing is, or where that may not be known."""
    with suppress(OSError):
        there = os.stat(path)
        return there.st_dev, there.st_ino
    return None


def parent(pid: int) -> int:
    """The parent of a process; 0 when it has none, or has gone."""
    found = fields(pid)
    return int(found[1]) if found else 0


def ancestors(pid: int) -> frozenset[int]:
    """A process and all it descends from."""
    found = set()
    while pid and pid not in found:
        found.add(pid)
        pid = parent(pid)
    return frozenset(found)


def descriptors(pid: int) -> Iterator[tuple[str, Key]]:
    """What a process has open, as the kernel calls it, and what that is known by.

    Nothing where that may not be known. A namespace may be called by a path, too.
    """
    folder = f"{PROC}/{pid}/fd"
    with suppress(OSError):
        for entry in os.listdir(folder):
            with suppress(OSError):
                about = os.stat(f"{folder}/{entry}")
                yield os.readlink(f"{folder}/{entry}"), (about.st_dev, about.st_ino)


def words(pid: int) -> str:
    """The command a process was started with."""
    with suppress(OSError):
        said = _read(pid, "cmdline")
        return said.replace(b"\0", b" ").decode("utf-8", "replace").strip()[:120]
    return ""


def _read(pid: int, what: str) -> bytes:
    with open(f"{PROC}/{pid}/{what}", "rb") as file:
        return file.read()
