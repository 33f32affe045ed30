"""`nsm list`: every mesh that is up."""

import click

from nsm.cli.options import Json, output, say_json, table
from nsm.errors import NsmError
from nsm.world.control import Control, meshes
from nsm.world.ground import Home


@click.command("list")
@output
def command(output: str) -> None:
    """Show every mesh that is up on this host, and what was left behind.

    \b
    nsm list
    nsm list -o json | jq -r '.[].name'
    """
    found = [describe(home) for home in meshes()]
    if output == "json":
        say_json(found)
    elif found:
        columns = ("name", "state", "nodes", "endpoints", "workloads")
        rows = [[one[column] for column in columns] for one in found]
        table((column.upper() for column in columns), rows)
    else:
        click.echo("no mesh is up; `nsm up` starts one")


def describe(home: Home) -> Json:
    """One mesh in a line."""
    try:
        status = Control(home).ask("status", patience=5.0)
    except NsmError:
        nothing: Json = {"nodes": [], "endpoints": 0, "workloads": 0}
        return {"name": home.mesh, "state": "left behind", **nothing}
    return {
        "name": home.mesh,
        "state": status["state"],
        "nodes": [node for domain in status["domains"] for node in domain["nodes"]],
        "endpoints": len(status["endpoints"]),
        "workloads": len(status["workloads"]),
    }
