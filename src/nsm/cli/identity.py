"""`nsm identity`: the authority itself, and orders to one that runs."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import click

from nsm.cli.options import Json, output, say_json, table
from nsm.components.identity.admin import path_beside
from nsm.components.identity.orders import LIMIT
from nsm.errors import BY_STATUS, Denied, Invalid, NsmError, Unreachable
from nsm.rpc.target import target_of

AGENT = "unix:///run/nsm/identity/agent.sock"
SELECTORS = ("netns", "uid", "gid", "pid", "started", "exe", "sha256", "cgroup")
HELP = """
  Orders to an authority that runs: nsm identity entry add|list|rm, nsm identity rotate
"""

where = click.option(
    "--listen-on",
    envvar="NSM_LISTEN_ON",
    default=AGENT,
    show_default=True,
    metavar="URL",
    help="Where the authority serves the Workload API; it takes orders beside it.",
)


@click.group("identity", invoke_without_command=True, add_help_option=False)
@click.option("-h", "--help", "helped", is_flag=True)
@click.pass_context
def command(ctx: click.Context, helped: bool) -> int:
    """A small SPIFFE authority, where there is no SPIRE."""
    from nsm.cli.program import help_of, start

    if helped:
        click.echo(help_of("identity", command.__doc__ or "") + HELP)
        return 0
    return 0 if ctx.invoked_subcommand else start("identity", ())


@command.group("entry")
def entry() -> None:
    """Who is who, at an authority that runs."""


@entry.command("add")
@click.argument("id", metavar="ID")
@click.option("--netns", metavar="PATH", help="Runs in this network namespace; or inode://D/I.")
@click.option("--uid", type=int, help="Runs as this user.")
@click.option("--gid", type=int, help="Runs as this group.")
@click.option("--pid", type=int, help="Is this process.")
@click.option("--started", type=int, help="Of that pid, the one that started then.")
@click.option("--exe", metavar="PATH", help="Runs this executable; or inode://D/I.")
@click.option("--sha256", metavar="HEX", help="Runs an executable that holds this.")
@click.option("--cgroup", metavar="GLOB", help="Runs in a cgroup like this.")
@click.option("--hint", help="A word for the program on what this identity is for.")
@where
@output
def add(id: str, listen_on: str, output: str, **told: str | int | None) -> None:
    """Let whoever matches every option be ID.

    \b
    nsm identity entry add spiffe://lab/web --netns /run/netns/web
    nsm identity entry add spiffe://lab/backup --uid 1000 --exe /usr/bin/backup
    nsm identity entry add spiffe://lab/cache --cgroup '/system.slice/cache*.service'
    """
    given = {key: value for key, value in told.items() if value is not None}
    say(ask(listen_on, {"do": "add", "entry": {"id": id, **absolute(given)}}), output)


@entry.command("list")
@where
@output
def list_entries(listen_on: str, output: str) -> None:
    """Show every entry.

    \b
    nsm identity entry list
    nsm identity entry list -o json | jq -r '.[].id'
    """
    say(ask(listen_on, {"do": "list"}), output)


@entry.command("rm")
@click.argument("id", metavar="ID")
@where
@output
def remove(id: str, listen_on: str, output: str) -> None:
    """Let nobody be ID any more: its entries go, and whoever holds its identity gets no other.

    \b
    nsm identity entry rm spiffe://lab/web
    """
    say(ask(listen_on, {"do": "rm", "id": id}), output)


@command.command("rotate")
@click.argument("what", type=click.Choice(["leaf", "intermediate", "authority"]), default="leaf")
@where
@output
def rotate(what: str, listen_on: str, output: str) -> None:
    """Give everyone a new certificate (leaf), by a new intermediate, or make the next root.

    What was signed before is good to its end. A new root (authority) is made known at once and
    signs a little later; the old one is believed to its end.

    \b
    nsm identity rotate
    nsm identity rotate intermediate
    nsm identity rotate authority
    """
    answer = ask(listen_on, {"do": "rotate", "what": what})
    if output == "json":
        say_json(answer)
    elif what == "leaf":
        click.echo("everyone gets a new certificate now")
    elif what == "intermediate":
        click.echo("everyone gets a new certificate now, signed by a new intermediate")
    else:
        soon = f"{answer['signs_in_seconds']:.0f} s"
        click.echo(f"a new root is known now and signs in {soon}; {answer['roots']} are believed")


def say(entries: list[Json], output: str) -> None:
    """Print entries."""
    if output == "json":
        say_json(entries)
    elif entries:
        rows = [[one["id"], selectors(one), one.get("hint")] for one in entries]
        table(("ID", "SELECTORS", "HINT"), rows)
    else:
        click.echo("nobody is anybody yet; `nsm identity entry add --help`")


def selectors(one: Json) -> str:
    """What its holder must match."""
    return " ".join(f"{key}={one[key]}" for key in SELECTORS if key in one)


def absolute(given: dict[str, str | int]) -> dict[str, str | int]:
    """Paths as they are meant from here: the authority stands elsewhere."""
    meant = {key: given[key] for key in ("netns", "exe") if key in given}
    names = {key: str(value) for key, value in meant.items() if "://" not in str(value)}
    return {**given, **{key: os.path.abspath(name) for key, name in names.items()}}


def ask(listen_on: str, order: Json) -> Any:
    """Give an order to the authority whose Workload API is there, and its answer."""
    path = target_of(listen_on).path
    if not path:
        raise Invalid(f"{listen_on} is no unix socket", fix="--listen-on unix:///path")
    admin = path_beside(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(30)
        try:
            channel.connect(admin)
            channel.sendall(json.dumps(order).encode() + b"\n")
            with channel.makefile("rb") as lines:
                line = lines.readline(LIMIT)
        except PermissionError as error:
            raise Denied("only its own user and root may order an authority about") from error
        except OSError as error:
            raise _silent(admin) from error
    if not line:
        raise _silent(admin)
    return _meant(json.loads(line))


def _meant(answer: Json) -> Any:
    if "error" not in answer:
        return answer["ok"]
    error = answer["error"]
    kind = BY_STATUS.get(str(error["code"]), NsmError)
    raise kind(str(error["cause"]), hop=str(error["hop"]), fix=str(error["fix"]))


def _silent(path: str) -> Unreachable:
    there = "does not answer" if Path(path).exists() else "is not there"
    return Unreachable(
        f"the authority's admin socket {path} {there}",
        fix="start `nsm identity`, or say where it is with --listen-on",
    )
