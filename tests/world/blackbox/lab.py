"""Meshes under test, driven by nothing but the command line and what it prints."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ours import MARK, RUN

ROOT = Path(__file__).parents[3]
NSM = str(ROOT / ".venv/bin/nsm")
EXAMPLES = ROOT / "examples"
PREFIX = f"bb{MARK}-"
"""What the names of all meshes of this run begin with: others may run the same tests."""
PATIENCE = 90.0
"""Seconds after which a command is stuck."""
SETTLING = "15s"
"""What a test ends in the middle of must be over by then: files are handed on for ten seconds."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document it printed."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """All it printed."""
        return self.out + self.err

    def __str__(self) -> str:
        return f"{' '.join(self.words)} → {self.code}\n{self.out}\n{self.err}"


def run(*words: str, fed: str | None = None, cwd: Path | None = None) -> Ran:
    """Run any command to its end."""
    done = subprocess.run(
        words,
        input=fed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=cwd,
        stdin=subprocess.DEVNULL if fed is None else None,
        check=False,
    )
    return Ran(words, done.returncode, done.stdout, done.stderr)


def nsm(*words: str, fed: str | None = None, cwd: Path | None = None) -> Ran:
    """Run `nsm`."""
    return run(NSM, *words, fed=fed, cwd=cwd)


def unique(theme: str) -> str:
    """A name for a mesh that nobody else has."""
    return f"{PREFIX}{theme}-{secrets.token_hex(1)}"


@dataclass
class Mesh:
    """One mesh, by its name."""

    file: Path
    up: Ran | None = None
    namespaces: set[int] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)
    planted: bool = False
    """Whether a test put something there that should not be."""

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def root(self) -> Path:
        return RUN / self.name

    def __call__(self, command: str, *words: str, fed: str | None = None) -> Ran:
        """`nsm COMMAND -m NAME …`, whatever comes of it."""
        return nsm(command, "-m", self.name, *words, fed=fed)

    def ok(self, command: str, *words: str, fed: str | None = None) -> Ran:
        """The same, and it must go well."""
        ran = self(command, *words, fed=fed)
        assert ran.code == 0, str(ran)
        return ran

    def exec(self, who: str, *words: str, fed: str | None = None) -> Ran:
        """A command where WHO is."""
        return self("exec", who, "--", *words, fed=fed)

    def python(self, who: str, program: str) -> Ran:
        """A Python program where WHO is."""
        return self.exec(who, "python3", "-c", program)

    def status(self) -> Json:
        found: Json = self("status", "-o", "json").json
        return found

    def workload(self, name: str) -> Json:
        return named(self.status()["workloads"], name)

    def endpoint(self, name: str) -> Json:
        return named(self.status()["endpoints"], name)

    def process(self, name: str) -> Json:
        return named(self.status()["processes"], name)

    def wire(self, workload: str, number: int = 0) -> Json:
        found: Json = self.workload(workload)["connections"][number]
        return found

    def pings(self, who: str, what: str, count: int = 2) -> bool:
        """Whether all echoes come back, sent at once."""
        ran = self("ping", who, what, "-c", str(count), "-i", "10ms", "-o", "json")
        return ran.code == 0 and bool(ran.json["received"] == count)

    def leftovers(self, within: str = SETTLING) -> list[str]:
        """What `nsm audit` finds, if it is up and nothing was planted in it."""
        if self.planted or not self.supervised:
            return []
        ran = self("audit", "-o", "json", "--timeout", within)
        assert "leftovers" in ran.json, str(ran)
        return [json.dumps(one) for one in ran.json["leftovers"]]

    @property
    def supervised(self) -> bool:
        """Whether there is somebody to ask what should be there."""
        try:
            supervisor = json.loads((self.root / "state.json").read_text())["supervisor"]["pid"]
        except (OSError, ValueError):
            return False
        return _marked(str(supervisor), self)

    def down(self) -> list[str]:
        """Hold an audit of it, and take it down; what is left over, before and after."""
        left = self.leftovers()
        self.remember()
        if self.root.exists():
            nsm("down", self.name)
        with suppress(AssertionError):  # others' forwarders look into every namespace of the host
            eventually(lambda: not traces(self), 5)
        return left + traces(self)

    def remember(self) -> None:
        """Note which namespaces there are, and who holds them, to see later that all let go.

        The numbers of namespaces are soon given out again: who comes later holds others.
        """
        self.namespaces = {kept.stat().st_ino for kept in (self.root / "netns").glob("*")}
        self.holders = {pid for pid in pids() if self.is_held_by(pid)}

    def is_held_by(self, pid: str) -> bool:
        """Whether a process stands in one of its namespaces, or has one open."""
        return not self.namespaces.isdisjoint(_held(Path("/proc", pid)))


def named(parts: Sequence[Json], name: str) -> Json:
    """The one of that name."""
    return next(part for part in parts if part["name"] == name)


@dataclass
class Lab:
    """Brings meshes up, and takes down whatever it brought up."""

    folder: Path
    meshes: list[Mesh] = field(default_factory=list)

    def draft(self, theme: str, text: str) -> Mesh:
        """A mesh that is only a file so far."""
        file = self.folder / f"{unique(theme)}.yaml"
        file.write_text(text)
        mesh = Mesh(file)
        self.meshes.append(mesh)
        return mesh

    def try_up(self, theme: str, text: str, *flags: str) -> Mesh:
        """`nsm up -d`, whatever comes of it."""
        mesh = self.draft(theme, text)
        mesh.up = nsm("up", str(mesh.file), "-d", *flags)
        mesh.remember()
        return mesh

    def up(self, theme: str, text: str, *flags: str) -> Mesh:
        """`nsm up -d`, and all is connected."""
        mesh = self.try_up(theme, text, *flags)
        assert mesh.up is not None
        assert mesh.up.code == 0, f"{mesh.up}\n{logs(mesh)}"
        return mesh

    def down(self) -> None:
        """Take everything down, and see that nothing is left."""
        left = [trace for mesh in self.meshes for trace in mesh.down()]
        assert not left, f"left behind: {left}"


def logs(mesh: Mesh) -> str:
    """The last of every log, for a failure's sake."""
    files = sorted((mesh.root / "logs").glob("*.log"))
    return "\n".join(f"--- {file.name}\n{file.read_text()[-1500:]}" for file in files)


def traces(mesh: Mesh) -> list[str]:
    """What is left of a mesh: files, mounts, processes, namespaces that somebody holds."""
    found = [str(mesh.root)] if mesh.root.exists() else []
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [line for line in mounts if f"{mesh.root}/" in line]
    for pid in pids():
        if _marked(pid, mesh) or (pid in mesh.holders and mesh.is_held_by(pid)):
            found.append(f"process {pid} {_words(Path('/proc', pid))}")
    return found


def pids() -> list[str]:
    """Every process there is."""
    return list(filter(str.isdecimal, os.listdir("/proc")))


def _marked(pid: str, mesh: Mesh) -> bool:
    try:
        environ = Path("/proc", pid, "environ").read_bytes()
        return f"NSM_WORLD={mesh.root}".encode() in environ.split(b"\0")
    except OSError:
        return False


def _held(place: Path) -> Iterator[int]:
    """The network namespaces a process is in or holds open."""
    for pattern in ("ns/net", "fd/*"):
        for link in place.glob(pattern):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("net:["):
                yield int(target[5:-1])


def _words(place: Path) -> str:
    try:
        return (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    except OSError:
        return ""


def eventually(condition: Callable[[], bool], within: float = 10.0) -> float:
    """Wait for something to come true; the seconds it took."""
    began = time.monotonic()
    while not condition():
        took = time.monotonic() - began
        assert took < within, f"not in {within:.0f} s"
        time.sleep(0.1)
    return time.monotonic() - began


@contextmanager
def started(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs meanwhile, and is ended if it does not end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
