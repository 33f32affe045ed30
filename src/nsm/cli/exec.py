"""`nsm exec`: a command where a workload runs."""

import os
from contextlib import suppress

import click

from nsm.cli.options import control, mesh, need_root
from nsm.errors import NsmError
from nsm.world.syscalls import CLONE_NEWNET, CLONE_NEWNS, enter

NOT_FOUND, NOT_RUN = 127, 126


@click.command("exec", context_settings={"allow_interspersed_args": False})
@mesh
@click.argument("who")
@click.argument("words", nargs=-1, required=True, metavar="-- CMD…", type=click.UNPROCESSED)
def command(mesh: str | None, who: str, words: tuple[str, ...]) -> int:
    """Run CMD in the namespace of a workload, endpoint or node, and end as it ends.

    \b
    nsm exec web -- ip addr
    nsm exec web -- bash
    echo hello | nsm exec web -- nc 172.16.1.0 7
    nsm exec node-1 -- ip -d link

    Terminal, signals and standard input are the command's: it takes this process's place.
    """
    need_root("entering a namespace")
    argv = words[1:] if words[0] == "--" else words
    if not argv:
        raise click.UsageError("name a command: nsm exec web -- ip addr")
    place = control(mesh).ask("place", who=who)
    environ = {**os.environ, **place["environ"]}  # noqa: TID251 -- the command is the user's
    stand(place["netns"], place["mntns"])
    try:
        os.execvpe(argv[0], list(argv), environ)
    except OSError as error:
        click.echo(f"can't run {argv[0]}: {error.strerror}", err=True)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN


def stand(netns: str, mntns: str) -> None:
    """Move this process there; the way through the file system is found again."""
    here = os.getcwd()
    kinds = ((netns, CLONE_NEWNET), (mntns, CLONE_NEWNS))
    opened = [(os.open(path, os.O_RDONLY | os.O_CLOEXEC), kind) for path, kind in kinds if path]
    for fd, kind in opened:
        try:
            enter(fd, kind)
        except OSError as error:
            raise NsmError(f"can't enter {netns}: {error.strerror}") from error
    with suppress(OSError):
        os.chdir(here)
