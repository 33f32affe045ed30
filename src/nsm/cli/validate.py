"""`nsm validate`: is the file right?"""

from pathlib import Path

import click

from nsm.cli.options import output, say_json


@click.command("validate")
@click.argument("file", type=click.Path(path_type=Path), default="mesh.yaml")
@output
def command(file: Path, output: str) -> None:
    """Say whether FILE (mesh.yaml) is right, and everything that is wrong with it, by line.

    \b
    nsm validate
    nsm validate examples/two-nodes.yaml && echo it is

    Nothing is started. Exit code 2 when something is wrong.
    """
    from nsm.world.spec_read import load

    mesh = load(file)
    nodes = [node for domain in mesh.domains for node in domain.nodes]
    endpoints = [name for domain in mesh.domains for one in domain.endpoints for name in one.copies]
    workloads = [name for domain in mesh.domains for one in domain.workloads for name in one.copies]
    if output == "json":
        found = {"nodes": nodes, "endpoints": endpoints, "workloads": workloads}
        say_json({"file": str(file), "mesh": mesh.name, **found})
        return
    click.echo(
        f"{file} is right: mesh {mesh.name} with {len(nodes)} nodes, "
        f"{len(endpoints)} endpoints, {len(workloads)} workloads"
    )
