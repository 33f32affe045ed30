"""`nsm audit`: is anything left over?"""

import time

import click

from nsm.cli.options import Json, home, mesh, need_root, output, say_json, table, timeout


@click.command("audit")
@click.argument("name", required=False)
@click.option(
    "--here", is_flag=True, help="This host, without asking anybody: what a crash has left."
)
@timeout("15s")
@mesh
@output
def command(name: str | None, here: bool, timeout: float, mesh: str | None, output: str) -> int:
    """Hold what there is of the mesh NAME against what its connections need.

    \b
    nsm audit
    nsm audit lab -o json | jq '.leftovers[].what'
    nsm audit --here                                    after a crash
    nsm audit --here -o json | jq -r '.leftovers[].fix' | sort -u

    Interfaces, addresses, routes, rules, neighbours, nft tables; addresses from pools, VNIs; what
    programs keep in memory, and have open; registry entries; files, namespaces, processes. What
    changes just now is given --timeout to be whole: files that came with a request are kept for
    some seconds. What waits will go by itself when its time is up, as what a client held that was
    killed.

    That needs the mesh's supervisor, which knows what should be there. Where it was killed, all of
    its mesh is left over: --here lists that, mesh by mesh, with the interfaces of ours in this
    network namespace that are of no mesh that is up, and the command that removes each. What
    other meshes have, and what another mount namespace has in the same folder, is let be.

    Exit code 0: nothing is left over; 1: something is, or cannot be asked.
    """
    import msgspec

    from nsm.world.auditing import audit, audit_here

    if here and (name or mesh):
        raise click.UsageError("--here is of all meshes: leave the name out")
    need_root("looking into every namespace")
    left, waiting = audit_here(timeout) if here else audit(home(name or mesh), timeout)
    found: Json = msgspec.to_builtins({"leftovers": left, "waiting": waiting})
    if output == "json":
        say_json(found)
    else:
        show(found)
    return 1 if left else 0


def show(found: Json) -> None:
    """All of it, for people; what waits needs no mending, so of that it says how long."""
    now, what = time.time(), ("kind", "what", "where", "whose")
    if not found["leftovers"]:
        click.echo("nothing is left over")
    else:
        rows = [[*(one[c] for c in what), one["fix"]] for one in found["leftovers"]]
        table(("KIND", "WHAT", "WHERE", "WHOSE", "FIX"), rows)
    if found["waiting"]:
        click.echo("waits for its time to be up:")
        waits = [
            (*(one[c] for c in what), f"{one['until'] - now:.0f} s") for one in found["waiting"]
        ]
        table(("KIND", "WHAT", "WHERE", "WHOSE", "ENDS IN"), waits)
