"""`nsm restart`: mend something."""

import click

from nsm.cli.options import control, mesh, output, say_json


@click.command("restart")
@click.argument("who")
@mesh
@output
def command(who: str, mesh: str | None, output: str) -> None:
    """Start WHO anew: its process, and its namespace where that is gone, too.

    \b
    nsm restart gateway && nsm wait
    """
    found = control(mesh).ask("restart", who=who)
    if output == "json":
        say_json(found)
    else:
        click.echo(f"{found['name']} is started anew")
