"""`nsm` itself: what it can do, how it says so, and how it fails."""

from collections.abc import Sequence
from importlib import import_module

import click

from nsm import __version__
from nsm.errors import NsmError

WORLD = {
    "up": "Bring up the mesh that a file describes",
    "down": "Take a mesh down; nothing is left",
    "status": "What is there, and how it is",
    "list": "Every mesh that is up",
    "validate": "Is the file right?",
    "check": "What this host can do, and what it lacks",
    "init": "Write a mesh.yaml to start from",
}
USE = {
    "exec": "Run a command where a workload runs",
    "ping": "Ping a service or an address through a vWire",
    "wait": "Wait until vWires are up",
    "logs": "What a program has to say",
    "kill": "Break something",
    "restart": "Mend it",
    "audit": "Is anything left over?",
    "policy": "May somebody use a service, and are the rules right?",
    "attach": "Give a vWire to something that already runs",
    "detach": "Take it back",
}
PROGRAMS = {
    "registry": "Who offers what",
    "manager": "One a node: takes requests, chooses the forwarder",
    "forwarder": "One or more a node: builds vWires",
    "node": "Manager and forwarder in one process",
    "client": "Requests vWires for the namespace it runs in",
    "endpoint": "Serves a network service",
    "identity": "A small SPIFFE authority, where there is no SPIRE",
}
ORDERED = {"identity"}
"""Programs that take orders while they run: their commands stand in a file like all others."""
SECTIONS = {"A mesh on this host": WORLD, "Working with it": USE, "Programs": PROGRAMS}

EPILOG = """\b
Begin here:
  nsm init              write mesh.yaml
  nsm up -d             bring it up
  nsm status            see it
  nsm ping client icmp-responder
  nsm down              and nothing is left
"""


class Root(click.Group):
    """Finds commands by their file and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in PROGRAMS and name not in ORDERED:
            command: click.Command = import_module("nsm.cli.program").command(name, PROGRAMS[name])
            return command
        if name in WORLD or name in USE or name in ORDERED:
            found: click.Command = import_module(f"nsm.cli.{name}").command
            return found
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(section.items()))


@click.command(cls=Root, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-m", "--mesh", metavar="NAME", help="Which mesh, where more than one is up.")
@click.version_option(__version__, message="nsm %(version)s")
@click.pass_context
def root(ctx: click.Context, mesh: str | None) -> None:
    """Network Service Mesh: ask for a network service by name and get a vWire to it."""
    ctx.obj = mesh


def run(argv: Sequence[str]) -> int:
    """Run a command line; the exit code says how it went, and the error why not."""
    try:
        code = root.main(list(argv), prog_name="nsm", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (NsmError, click.exceptions.Abort, click.ClickException) as error:
        from nsm.cli.failing import fail

        return fail(error, argv)
    except BrokenPipeError:  # whoever read our output has seen enough
        from nsm.cli.failing import hush

        return hush()
