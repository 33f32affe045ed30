"""`nsm check`: what this host can do, and what it lacks."""

import click

from nsm.cli.failing import HOST_CANNOT
from nsm.cli.options import output, say_json


@click.command("check")
@output
def command(output: str) -> int:
    """Say what this host can do for a mesh, and how to mend what it can't.

    \b
    nsm check
    nsm check -o json | jq '.[] | select(.ok | not)'

    Exit code 3 when something a mesh needs is missing.
    """
    from nsm.world.fitness import examine

    found = examine()
    if output == "json":
        say_json([{"what": f.what, "ok": f.ok, "needed": f.needed, "fix": f.fix} for f in found])
    else:
        for finding in found:
            mark = "yes" if finding.ok else "NO " if finding.needed else "no "
            colour = "green" if finding.ok else "red" if finding.needed else "yellow"
            click.echo(f"  {click.style(mark, fg=colour)}  {finding.what}")
            if not finding.ok:
                click.echo(f"       fix: {finding.fix}")
    return HOST_CANNOT if any(f.needed and not f.ok for f in found) else 0
