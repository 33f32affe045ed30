"""`nsm init`: a world file to start from."""

from pathlib import Path

import click

from nsm.values import BadFile, Problem

TEMPLATE = """\
# A whole mesh on this host. Bring it up with `sudo nsm up`, look with `nsm status`,
# ping with `nsm ping client icmp-responder`, and take it down with `nsm down`.

# name: mesh                       # a-z, 0-9, hyphens; default: this file's name
# nodes: [node-1, node-2]          # network namespaces joined by an underlay; default: [node-1]

# How endpoints are chosen, where there are several behind one name:
# services:
#   my-service:
#     payload: IP                  # or ETHERNET
#     matches:
#       - source_selector: {app: web}
#         routes: [{destination_selector: {version: v2}}]

endpoints:
  responder:
    serves: icmp-responder         # the name that workloads ask for
    run: icmp-responder            # built in; or your own: my.py, or [a, command]
    cidr: [172.16.1.0/24]          # a pair for every vWire; and "2001:db8:1::/112" for IPv6
    # node: node-2                 # default: the first
    # labels: {version: v2}
    # env: {NSM_IDLE_TIMEOUT: 30s} # any setting of `nsm endpoint --help`
    # replicas: 2

workloads:
  client:
    wants: kernel://icmp-responder/nsm-1    # kernel://SERVICE/INTERFACE?LABEL=VALUE; or a list
    # run: [python3, -m, http.server, "80"] # started once its vWires are up
    # replicas: 2
"""


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path), default="mesh.yaml")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(file: Path, force: bool) -> None:
    """Write a commented world file (mesh.yaml) to start from.

    \b
    nsm init
    nsm init lab.yaml && sudo nsm up lab.yaml
    """
    try:
        with file.open("w" if force else "x") as opened:
            opened.write(TEMPLATE)
    except OSError as error:
        fix = "--force writes over it, or name another"
        why = "is there already" if isinstance(error, FileExistsError) else str(error.strerror)
        raise BadFile(str(file), [Problem(0, why, fix)]) from error
    click.echo(
        f"wrote {file}; now: sudo nsm up {'' if str(file) == 'mesh.yaml' else file}".rstrip()
    )
