"""The programs a world is made of, by name, and how they are entered."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

Main = Callable[[Sequence[str]], int]

PROGRAMS = {
    "identity": "nsm.components.identity.__main__",
    "registry": "nsm.components.registry.__main__",
    "manager": "nsm.components.manager.__main__",
    "forwarder": "nsm.components.forwarder.__main__",
    "node": "nsm.node.__main__",
    "client": "nsm.components.client.__main__",
    "endpoint": "nsm.components.endpoint.__main__",
    "services": "nsm.world.register",
}
"""Each module has a `main(argv) -> int` that reads its settings from the environment."""


@dataclass(frozen=True, slots=True)
class OurProgram:
    """A program of the mesh, by its name here, and its arguments."""

    program: str
    argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserProgram:
    """A command of the user's."""

    argv: tuple[str, ...]


Launch = OurProgram | UserProgram


def entry(program: str) -> Main:
    """The `main` of a program, by its name here or else by its module."""
    main: Main = import_module(PROGRAMS.get(program, program)).main
    return main


def preload() -> None:
    """Import every program once, so that what is forked from here starts at once."""
    for program in PROGRAMS:
        try:
            entry(program)
        except Exception as error:  # it will fail again, and be heard, when it is started
            sys.stderr.write(f"could not import {program} beforehand: {error}\n")
