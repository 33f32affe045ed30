"""A world under chaos: brought up by `nsm up`, asked as `nsm kill` and `nsm status` ask."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from nsm.errors import NsmError
from nsm.world import procfs
from nsm.world.control import Control
from nsm.world.ground import BASE, MARKER, Home
from nsm.world.plan import Process
from nsm.world.planning import plan
from nsm.world.programs import PROGRAMS, OurProgram
from nsm.world.spec_read import load
from nsm.world.sweep import mounts_under

from . import sender
from .drawing import Drawn
from .echoes import Echoes
from .promises import Wire

Json = dict[str, Any]
NSM = Path(sys.executable).with_name("nsm")
MEMORY = Path("/dev/shm")
PATIENCE = 0.05
"""Seconds between two looks at how things are."""


def nsm(*words: str) -> str:
    """Run `nsm`; what it printed, or RuntimeError with all it said."""
    ran = subprocess.run((NSM, *words), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"nsm {' '.join(words)}: {ran.stdout}{ran.stderr}")
    return ran.stdout


class World:
    """A mesh, its senders' files, and every vWire by its name."""

    def __init__(self, drawn: Drawn, folder: Path, name: str) -> None:
        self.drawn, self.folder = drawn, folder
        self.file = folder / f"{name}.yaml"
        said = drawn.file(sender.__file__ or "", str(folder), sys.executable)
        self.file.write_text(yaml.safe_dump(said, sort_keys=False))
        self.home = Home(name, BASE)
        self.control = Control(self.home)
        self.planned = self._planned()
        self.echoes = {
            who: Echoes(folder / f"{who}.echoes", drawn.interfaces(who)) for who in drawn.workloads
        }

    def _planned(self) -> Mapping[str, Process]:
        """What the supervisor starts, by name: for those who start it otherwise."""
        environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        drawn = plan(load(self.file), self.home, self.folder, environ)
        return {process.who: process for process in drawn.processes}

    def up(self) -> None:
        """Everything is connected; RuntimeError says what is not."""
        nsm("up", str(self.file), "-d", "--timeout", "60s")

    def down(self) -> list[str]:
        """Take it down; what is left of it: files, mounts, processes."""
        root = self.home.root
        if root.exists():
            nsm("down", self.home.mesh)
        marked = [pid for pid in procfs.pids() if procfs.environment(pid).get(MARKER) == str(root)]
        left = [str(root)] if root.exists() else []
        return [*left, *mounts_under(root), *(f"process {pid}" for pid in marked)]

    def ask(self, do: str, **said: object) -> Json:
        """Ask the supervisor."""
        return self.control.ask(do, **said)

    def status(self) -> Json:
        return self.ask("status")

    def who(self, name: str) -> str:
        """The whole name of a program, such as registry@mesh."""
        mesh = self.home.mesh
        return next(one for one in (name, f"node@{name}", f"{name}@{mesh}") if one in self.planned)

    def pid(self, name: str) -> int:
        """The process of a program; 0 while it has none."""
        who = self.who(name)
        processes = self.status()["processes"]
        return next((one["pid"] or 0 for one in processes if one["name"] == who), 0)

    def send(self, name: str, number: signal.Signals) -> int:
        """Send a signal past its supervisor; the process that got it, or 0."""
        pid = self.pid(name)
        with suppress(ProcessLookupError):
            if pid:
                os.kill(pid, number)
        return pid

    def netns(self, name: str) -> Path:
        """Where the namespace of a program, or the underlay's, is kept."""
        found = self.planned.get(name)
        return self.home.namespace(found.namespace if found else name)

    def within(self, name: str, *words: str, fed: str | None = None) -> str:
        """Run a command in the namespace of somebody; what it printed."""
        command = ("nsenter", f"--net={self.netns(name)}", "--", *words)
        ran = subprocess.run(command, input=fed, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"{' '.join(words)}: {ran.stderr.strip()}")
        return ran.stdout

    @contextmanager
    def instead(self, name: str, **environ: str) -> Iterator[None]:
        """Run a program by hand in its place, with other settings, until the block ends."""
        who = self.who(name)
        process, launch = self.planned[who], self.planned[who].launch
        assert isinstance(launch, OurProgram)
        self.ask("kill", who=who)
        words = ("nsenter", f"--net={self.netns(who)}", "--", sys.executable, "-m")
        with (
            (self.folder / f"{name}.log").open("ab") as log,
            subprocess.Popen(
                (*words, PROGRAMS[launch.program], *launch.argv),
                env={**process.environ, **environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as running,
        ):
            try:
                yield
            finally:
                running.kill()
                running.wait()
                for kept in MEMORY.glob(f"*faketime_*_{running.pid}"):
                    kept.unlink()  # whoever is killed does not
                self.ask("restart", who=who)

    def wires(self, status: Json | None = None) -> dict[str, Wire]:
        """Every vWire, by name."""
        found = {}
        for workload in (status or self.status())["workloads"]:
            shown = zip(
                workload["connections"], self.drawn.interfaces(workload["name"]), strict=True
            )
            for one, interface in shown:
                wire = Wire(
                    workload=workload["name"],
                    interface=interface,
                    service=one["service"],
                    endpoint=one["endpoint"] or "",
                    path=tuple(one["path"]),
                    state=one["state"],
                    heals=one["heals"],
                )
                found[wire.name] = wire
        return found

    def read(self) -> None:
        """Take in what senders found."""
        for echoes in self.echoes.values():
            echoes.read()

    def lacking(self, since: float) -> list[str]:
        """What is not whole: programs that are not up, vWires that answer no echo sent later."""
        self.read()
        wires = [
            f"{who}/{wire} answers nobody"
            for who, echoes in self.echoes.items()
            for wire in echoes.wires
            if not echoes.answered_after(wire, since)
        ]
        if wires:
            return wires
        try:
            status = self.status()
        except NsmError as error:
            return [f"the supervisor: {error}"]
        parts = (*status["processes"], *status["endpoints"], *status["workloads"])
        return sorted({f"{one['name']} is {one['state']}" for one in parts if one["state"] != "up"})

    def whole(self, within: float) -> tuple[float, list[str]]:
        """Wait until everything is; the seconds it took, and what is still not."""
        began = time.monotonic()
        while lacking := self.lacking(began):
            if time.monotonic() - began > within:
                break
            time.sleep(PATIENCE)
        return time.monotonic() - began, lacking
