"""`nsm wait`: for scripts."""

import click

from nsm.cli.options import control, mesh, output, say_json, timeout


@click.command("wait")
@click.argument("who", nargs=-1)
@mesh
@timeout("60s")
@output
def command(who: tuple[str, ...], mesh: str | None, timeout: float, output: str) -> int:
    """Wait until WHO, or all, are up: workloads with all their vWires, endpoints, nodes.

    \b
    nsm up -d; nsm wait web && nsm exec web -- curl http://172.16.1.0/
    nsm wait --timeout 5s

    Exit code 1 when the time is over first.
    """
    asked = control(mesh).ask("wait", timeout + 10, who=list(who), within=timeout)
    if output == "json":
        say_json(asked["status"])
    elif asked["missing"]:
        click.echo(f"not up: {', '.join(asked['missing'])}", err=True)
    return 0 if asked["up"] else 1
