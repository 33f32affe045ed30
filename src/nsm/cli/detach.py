"""`nsm detach`: take vWires back."""

import os

import click

from nsm.cli.options import control, mesh, output, say_json


@click.command("detach")
@click.argument("target")
@click.argument("urls", nargs=-1, metavar="[NS-URL…]")
@mesh
@output
def command(target: str, urls: tuple[str, ...], mesh: str | None, output: str) -> None:
    """Take all vWires, or those named, back from what was attached.

    \b
    nsm detach 4711
    nsm detach attach-1 kernel://icmp-responder/nsm-1
    """
    where = os.path.abspath(target) if "/" in target else target
    found = control(mesh).ask("detach", target=where, urls=list(urls))
    if output == "json":
        say_json(found)
    else:
        left = f"; left: {', '.join(found['left'])}" if found["left"] else ""
        click.echo(f"{target} is detached{left}")
