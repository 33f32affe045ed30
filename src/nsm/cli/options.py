"""What many commands take and print alike."""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from nsm.config import duration
from nsm.world.control import Control, choose
from nsm.world.ground import Home
from nsm.world.starting import HostCannot

F = TypeVar("F", bound=Callable[..., Any])
Json = dict[str, Any]


class Duration(click.ParamType[float]):
    """A duration as Go writes it, in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        try:
            return duration(str(value)).total_seconds()
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def output(command: F) -> F:
    """`-o json`: for programs."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: for programs, one document on standard output.",
    )(command)


def mesh(command: F) -> F:
    """`-m NAME`: which mesh."""
    return click.option(
        "-m", "--mesh", metavar="NAME", help="Which mesh, where more than one is up."
    )(command)


def timeout(default: str) -> Callable[[F], F]:
    """`--timeout`: how long to wait at most."""
    return click.option(
        "--timeout",
        type=Duration(),
        default=default,
        show_default=True,
        help="How long to wait at most, such as 500ms or 1m30s.",
    )


def home(named: str | None) -> Home:
    """The mesh that is meant: by this command's option, by `nsm -m`, or the only one."""
    above = click.get_current_context().find_root().obj
    return choose(named or above)


def control(named: str | None) -> Control:
    """The way to the supervisor of the mesh that is meant."""
    return Control(home(named))


def say_json(what: object) -> None:
    """Print one document."""
    click.echo(json.dumps(what, indent=2))


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print aligned columns; what is None is a dash."""
    lines = [[str(name) for name in columns], *([show(cell) for cell in row] for row in rows)]
    widths = [
        max(len(click.unstyle(cell)) for cell in column) for column in zip(*lines, strict=True)
    ]
    for number, line in enumerate(lines):
        cells = [
            cell + " " * (width - len(click.unstyle(cell)))
            for cell, width in zip(line, widths, strict=True)
        ]
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


COLOURS = {"up": "green", "connecting": "yellow", "healing": "yellow", "down": "red"}


def show(cell: object) -> str:
    """A cell as a person reads it."""
    if cell is None or cell == []:
        return "-"
    if isinstance(cell, list):
        return " ".join(str(item) for item in cell)
    text = str(cell)
    return click.style(text, fg=COLOURS[text]) if text in COLOURS else text


def need_root(what: str) -> None:
    """This needs root; says so to whom it is not."""
    if os.geteuid() != 0:
        fix = f"run it with sudo: sudo {click.get_current_context().command_path} …"
        raise HostCannot(f"{what} needs root, and this is user {os.geteuid()}", fix=fix)
