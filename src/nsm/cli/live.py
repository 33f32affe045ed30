"""The live view of `nsm up` on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nsm.cli.options import COLOURS, Json
from nsm.cli.status import VWIRE, healed, vwire

MOST = 10
"""Heals that are shown; a screen has no room for more."""


@contextmanager
def view() -> Iterator[Callable[[Json], None]]:
    """Draws the last status it is given, until it ends."""
    with Live(refresh_per_second=8, transient=True) as live:
        yield lambda found: live.update(Group(processes(found), vwires(found), heals(found)))


def processes(found: Json) -> Table:
    """Programs and endpoints, with what they cost."""
    drawn = Table(title=f"mesh {found['mesh']}: {found['state']}", box=None, title_justify="left")
    for column in ("process", "state", "pid", "MB", "CPU s", "restarts"):
        drawn.add_column(column)
    for one in found["processes"]:
        cells = (one["pid"], f"{one['rss_mb']:.0f}", one["cpu_s"], one["restarts"])
        drawn.add_row(one["name"], state(one["state"]), *(plain(cell) for cell in cells))
    return drawn


def vwires(found: Json) -> Table:
    """Every vWire."""
    drawn = Table(box=None)
    for column in VWIRE:
        drawn.add_column(column.lower())
    for one in found["workloads"]:
        for wire in one["connections"]:
            name, interface, now, *rest = vwire(one, wire)
            cells = [plain(cell) for cell in rest]
            drawn.add_row(plain(name), plain(interface), state(str(now)), *cells)
    return drawn


def heals(found: Json) -> Text:
    """The newest heals: what died, when it was noticed, when packets were carried again."""
    return Text("\n".join(["", *healed(found)[-MOST:]]))


def state(word: str) -> Text:
    """A state in its colour."""
    return Text(word, style=COLOURS.get(word, ""))


def plain(cell: object) -> str:
    """A cell as a person reads it."""
    if cell is None or cell == []:
        return "-"
    return click.unstyle(" ".join(map(str, cell)) if isinstance(cell, list) else str(cell))
