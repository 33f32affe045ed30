"""`nsm attach`: a vWire for something that already runs."""

import os

import click

from nsm.cli.options import Json, control, mesh, output, say_json, table, timeout
from nsm.cli.status import VWIRE, complain, vwire, workload


@click.command("attach")
@click.argument("target")
@click.argument("urls", nargs=-1, required=True, metavar="NS-URL…")
@click.option("--node", default="", metavar="N", help="The node it belongs to; default: the first.")
@mesh
@timeout("30s")
@output
def command(
    target: str, urls: tuple[str, ...], node: str, mesh: str | None, timeout: float, output: str
) -> int:
    """Give vWires to TARGET: a pid, a namespace's name or path, or a container's id.

    \b
    nsm attach 4711 kernel://icmp-responder/nsm-1
    nsm attach my-namespace kernel://a/nsm-1 kernel://b/nsm-2
    nsm attach $(podman inspect -f '{{.Id}}' db) kernel://icmp-responder/nsm-1 --node node-2

    It is listed as workload attach-<n>, refreshed and healed until detached or gone.
    """
    where = os.path.abspath(target) if "/" in target else target
    asked = {"target": where, "urls": list(urls), "node": node, "within": timeout}
    found = control(mesh).ask("attach", timeout + 10, **asked)
    if output == "json":
        say_json(workload(found))
    else:
        show(found)
    return 0 if found["state"] == "up" else 1


def show(found: Json) -> None:
    """What was attached, for people."""
    table(VWIRE, [vwire(found, wire) for wire in found["connections"]])
    for wire in found["connections"]:
        if wire["error"]:
            complain(found["name"], wire)
