"""`nsm kill`: break something."""

import signal

import click

from nsm.cli.options import control, mesh, output, say_json


def number(text: str) -> int:
    """A signal by name or number."""
    if text.isdecimal():
        return int(text)
    name = text.upper().removeprefix("SIG")
    try:
        return signal.Signals[f"SIG{name}"]
    except KeyError:
        raise click.BadParameter(f"{text!r} is no signal; such as TERM, KILL or 9") from None


@click.command("kill")
@click.argument("who")
@click.option("-s", "--signal", "sent", default="KILL", show_default=True, help="Which signal.")
@click.option("--gone", is_flag=True, help="Take its namespace too, as deleting a pod does.")
@mesh
@output
def command(who: str, sent: str, gone: bool, mesh: str | None, output: str) -> None:
    """Kill the process of WHO, as a crash does; its namespace stays. `nsm restart` mends it.

    \b
    nsm kill gateway              see the mesh heal
    nsm kill node-1 -s TERM
    nsm kill registry             the registry of the only domain
    nsm kill web --gone           the process and the namespace
    """
    found = control(mesh).ask("kill", who=who, signal=number(sent), gone=gone)
    if output == "json":
        say_json(found)
    else:
        click.echo(
            f"{found['name']} is {'gone' if gone else 'killed'}; `nsm restart {who}` mends it"
        )
