"""`nsm policy`: admission rules, tried out."""

from importlib import import_module

import click

COMMANDS = {
    "test": "Run the cases written beside rules",
    "can": "May somebody use, serve or register a service?",
}


class Policy(click.Group):
    """Imports the command that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found: click.Command = import_module(f"nsm.cli.policy.{name}").command
        return found


@click.command("policy", cls=Policy)
def command() -> None:
    """Admission rules: who may use, serve and register which service.

    \b
    nsm policy test rules.yaml
    nsm policy can db secure-gateway --explain
    """
