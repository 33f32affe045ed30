"""`nsm down`: take a mesh down; nothing is left."""

import click

from nsm.cli.options import home, mesh, need_root, output, say_json
from nsm.world.control import meshes
from nsm.world.starting import take_down


@click.command("down")
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Every mesh there is.")
@mesh
@output
def command(name: str | None, every: bool, mesh: str | None, output: str) -> None:
    """Take down the mesh NAME, or the only one: processes, namespaces, interfaces, files.

    \b
    nsm down
    nsm down lab
    nsm down --all

    Works as well on what a crash has left behind, and when there is nothing to do.
    """
    need_root("taking a mesh down")
    there = list(meshes())
    wanted = there if every or not (there or name or mesh) else [home(name or mesh)]
    gone = [one.mesh for one in wanted if one.root.exists()]
    for one in wanted:
        take_down(one)
    if output == "json":
        say_json({"down": gone})
    else:
        click.echo(f"{', '.join(gone)} is down" if gone else "nothing was up")
