"""`nsm up`: bring up the mesh that a file describes."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from nsm.cli.options import Json, need_root, output, say_json, timeout
from nsm.cli.progress import Progress
from nsm.cli.status import agreed
from nsm.world.control import missing
from nsm.world.ground import BASE, Home
from nsm.world.spec import Mesh
from nsm.world.spec_read import load
from nsm.world.starting import HostCannot, Starting, begin, died

FIRST_WORD = 30.0
"""Seconds until a supervisor has said something, also where little time is given for the rest."""


@click.command("up")
@click.argument("file", type=click.Path(path_type=Path), default="mesh.yaml")
@click.option("-d", "--detach", is_flag=True, help="Leave it running, also when not all is up.")
@click.option("--reload", is_flag=True, help="Bring a running mesh to what the file says now.")
@timeout("60s")
@output
def command(file: Path, detach: bool, reload: bool, timeout: float, output: str) -> int:
    """Bring up the mesh that FILE (mesh.yaml) describes, and wait until every vWire is there.

    \b
    sudo nsm up                   until Ctrl-C, which takes everything down
    sudo nsm up lab.yaml -d       leave it running
    nsm status; nsm exec web -- ip addr; nsm down

    Exit code 0: all connected; 1: something is not; 2: the file is wrong; 3: this host can't.
    """
    home = Home(readable(file, reload), BASE)
    need_root("bringing up a mesh")
    progress = Progress(quiet=output == "json")
    with begin(file, home) as starting, stoppable():
        try:
            found = follow(starting, home, progress, timeout)
            up = not missing(found)
            if output == "json":
                say_json(agreed(progress.measured(found)))
            else:
                progress.summary(found)
            if detach:
                starting.keep()
            elif up:
                stay(starting, progress)
            else:
                progress.line("\nnot all is up; taking everything down (-d leaves it)")
        except Stopped:
            progress.line("taking everything down")
            return int(not progress.complete)
    return 0 if up else 1


def readable(file: Path, reload: bool) -> str:
    """The name of the mesh in a file that is right, and that this version can do."""
    mesh = load(file)
    if wanted := [*later(mesh), *["--reload"] * reload]:
        fix = "leave it out for now; `nsm validate` still checks all of the file"
        raise HostCannot(f"not in this version yet: {', '.join(wanted)}", hop=str(file), fix=fix)
    return mesh.name


def later(mesh: Mesh) -> Iterator[str]:
    """What a file may say that this version can't do."""
    if mesh.several:
        yield "domains:"
    if any(endpoint.dns for domain in mesh.domains for endpoint in domain.endpoints):
        yield "dns: of an endpoint"


def follow(starting: Starting, home: Home, progress: Progress, timeout: float) -> Json:
    """Show each step until all is up or the time is over; the last status."""
    began = time.monotonic()
    found: Json = {}

    def left() -> float:
        return began + (timeout if found else max(timeout, FIRST_WORD)) - time.monotonic()

    for news in starting.news(left):
        if "error" in news:
            raise HostCannot(news["error"]["cause"], fix=news["error"]["fix"] or "nsm check")
        if "step" in news:
            progress.step(news)
        if "status" in news:
            found = news["status"]
            if not missing(news["status"]):
                progress.complete = True
                break
    if not found or not starting.alive:
        raise died(home)
    return found


def stay(starting: Starting, progress: Progress) -> None:
    """Until Ctrl-C, or until somebody else takes it down: show what changes."""
    with progress.live() as update:
        for news in starting.news(lambda: None):
            if "status" in news:
                update(news["status"])
    progress.line("somebody took it down")


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn what asks a program to end into `Stopped`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stopped(Exception):
    """Someone wants an end: Ctrl-C, or a signal."""
