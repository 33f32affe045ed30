"""`nsm logs`: what a program has to say."""

import os
import sys
import threading
from pathlib import Path, PurePath

import click

from nsm.cli.options import home, mesh
from nsm.errors import NotFound
from nsm.world.ground import Home
from nsm.world.logs import tail

LOOK = 0.2
"""Seconds between two looks at a log that is followed."""


@click.command("logs")
@click.argument("who")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("-n", "--lines", default=200, show_default=True, help="So many lines from the end.")
@mesh
def command(who: str, follow: bool, lines: int, mesh: str | None) -> None:
    """Show what WHO wrote: a workload, endpoint, node, or `supervisor`.

    \b
    nsm logs web
    nsm logs web/run -f
    nsm logs node@node-1 -n 20
    """
    log = find(home(mesh), who)
    said = tail(log, lines)
    if said:
        click.echo(said)
    if follow:
        _follow(log)


def find(home: Home, who: str) -> Path:
    """The log of WHO, also when nobody is there to be asked."""
    kind, _, place = who.partition("@")
    names = [who, f"node@{who}", f"node@{place}" if kind in ("manager", "forwarder") else who]
    names += [log.stem for log in home.logs.glob(f"{kind}@*.log")] if who == kind else []
    for name in names if PurePath(who).name == who or who.endswith("/run") else ():
        log = home.log(name)
        if log.parent == home.logs and log.exists():
            return log
    there = ", ".join(sorted(log.stem for log in home.logs.glob("*.log")))
    raise NotFound(f"{who!r} has no log in {home.mesh}", fix=f"there are {there or 'none'}")


def _follow(log: Path) -> None:
    pause = threading.Event()
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        while log.exists():
            if data := file.read(1 << 16):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            elif os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)  # it was put aside
            else:
                pause.wait(LOOK)
