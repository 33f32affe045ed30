"""What `nsm up` shows while it works, when it has, and while it stays."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

import click

from nsm.cli.options import Json, table
from nsm.cli.status import complain, healed
from nsm.errors import NsmError
from nsm.world.ping import Course, ping

MOST = 100
"""vWires whose round-trip is measured; more would take longer than anyone waits."""
COLUMNS = (
    "WORKLOAD",
    "VWIRE",
    "SERVICE",
    "ENDPOINT",
    "OWN",
    "OTHER",
    "BY",
    "CONNECT",
    "ROUND-TRIP",
)
Update = Callable[[Json], None]


@dataclass
class Progress:
    """Steps go to standard error, so that standard output holds what was asked for."""

    quiet: bool
    complete: bool = False

    def line(self, text: str) -> None:
        """Say something."""
        if not self.quiet:
            click.echo(text, err=True)

    def step(self, news: Json) -> None:
        """A step of coming up is done."""
        took = click.style(f"{news['ms']:7.0f} ms", dim=True)
        self.line(f"{took}  {news['step']}")

    def measured(self, found: Json) -> Json:
        """The status, with the first round-trip of every vWire that is up."""
        wires = [(one, wire) for one in found["workloads"] for wire in one["connections"]]
        for number, (workload, wire) in enumerate(wires):
            wire["rtt_ms"] = round_trip(workload, wire) if number < MOST else None
        return found

    def summary(self, found: Json) -> None:
        """Every vWire with its connect time and first round-trip; and what is not up, and why."""
        self.measured(found)
        wires = [(one, wire) for one in found["workloads"] for wire in one["connections"]]
        up = [(one, wire) for one, wire in wires if wire["state"] == "up"]
        if up:
            click.echo()
            table(COLUMNS, [row(one, wire) for one, wire in up])
        for workload, wire in wires:
            if wire["state"] != "up":
                self.failed(workload, wire)
        self.troubles(found)

    def troubles(self, found: Json) -> None:
        """What is not up: by name what runs or ran, by number what waits for others to be up."""
        fine = ("up", "connecting") if self.complete else ("up",)  # what `run:` starts comes last
        everyone = (*found["processes"], *found["endpoints"])
        lacking = {one["name"]: one for one in everyone if one["state"] not in fine}
        waiting = [
            name for name, one in lacking.items() if one["state"] == "connecting" and not one["pid"]
        ]
        for name in (name for name in lacking if name not in waiting):
            click.echo(f"{click.style(name, fg='red')} is not up; `nsm logs {name}` says more")
        if waiting:
            click.echo(f"not begun, because others come first: {', '.join(waiting)}")

    def failed(self, workload: Json, wire: Json) -> None:
        """A vWire that is not up."""
        if wire["error"]:
            complain(workload["name"], wire)
        elif workload["pid"]:
            click.echo(f"\n{workload['name']} {wire['url']}: no answer yet")

    @contextmanager
    def live(self) -> Iterator[Update]:
        """A view that follows the mesh, on a terminal; elsewhere a line for each change."""
        self.line("\nup; Ctrl-C takes everything down")
        if self.quiet or not sys.stdout.isatty():
            yield Changes(self).update
            return
        from nsm.cli.live import view

        with view() as update:
            yield update


class Changes:
    """Says what became of whom."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.known: dict[str, str] = {}
        self.heals: set[str] = set()

    def update(self, found: Json) -> None:
        """A new status."""
        parts = (*found["processes"], *found["endpoints"], *found["workloads"])
        states = {part["name"]: part["state"] for part in parts}
        for name, state in states.items():
            if self.known.get(name, "up") != state:
                self.progress.line(f"{name} is {state}")
        self.known = states
        heals = healed(found)
        for line in heals:
            if line not in self.heals:
                self.progress.line(line)
        self.heals = set(heals)


def round_trip(workload: Json, wire: Json) -> float | None:
    """The first round-trip of a vWire, in milliseconds."""
    if wire["state"] != "up" or not wire["dst"]:
        return None
    course = Course(
        netns=Path(workload["netns"]),
        address=str(ip_interface(wire["dst"][0]).ip),
        interface=wire["interface"],
        count=1,
    )
    try:
        rtt = next(ping(course)).rtt_ms
    except (NsmError, OSError):
        return None
    return None if rtt is None else round(rtt, 3)


def row(workload: Json, wire: Json) -> tuple[object, ...]:
    """A row of the table of vWires."""
    by = "/".join(kind.lower() for kind in (wire["mechanism"], wire["remote_mechanism"]) if kind)
    connect, rtt = wire["connect_ms"], wire["rtt_ms"]
    return (
        workload["name"],
        wire["interface"],
        wire["service"],
        wire["endpoint"],
        wire["src"],
        wire["dst"],
        by or None,
        None if connect is None else f"{connect:.1f} ms",
        "no answer" if rtt is None else f"{rtt:.3f} ms",
    )
