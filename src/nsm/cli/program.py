"""`nsm <program>`: each program of the mesh on its own, as on separate machines."""

import os
import sys
from collections.abc import MutableMapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from nsm.config import usage
from nsm.errors import NotFound
from nsm.world.programs import PROGRAMS, entry

ARGUMENTS = {
    "client": "[--init]",
    "endpoint": "[KIND | FILE.py]",
    "node": "[--registry] [--identity]",
    "registry": "[--store FILE]",
}
OPTIONS = {
    "client": {"--init": "end once all vWires carry, and leave them to the next of that name"},
    "node": {
        "--registry": "hold the registry, too; its settings are NSM_REGISTRY_X for its own NSM_X",
        "--identity": "hold the identity authority, too: NSM_IDENTITY_X for its own NSM_X",
    },
    "registry": {"--store FILE": "keep records there over a restart, as NSM_STORE says, too"},
}
EXAMPLES = {
    "registry": "NSM_LISTEN_ON=tcp://:5002 nsm registry",
    "manager": "NSM_LISTEN_ON=unix:///run/nsm.sock,tcp://:5001 nsm manager",
    "forwarder": "NSM_CONNECT_TO=unix:///run/nsm.sock NSM_TUNNEL_IP=10.0.0.1 nsm forwarder",
    "node": "NSM_REGISTRY_URL=tcp://10.0.0.9:5002 NSM_TUNNEL_IP=10.0.0.1 nsm node",
    "client": "NSM_NETWORK_SERVICES=kernel://my-service/nsm-1 nsm client",
    "endpoint": "NSM_SERVICE_NAMES=web NSM_CIDR_PREFIX=10.9.0.0/24 nsm endpoint icmp-responder",
    "identity": "NSM_TRUST_DOMAIN=lab NSM_ENTRIES=entries.yaml nsm identity",
}


TOLD = {"endpoint": {"NSM_UNREGISTER_ITSELF": "true"}}
"""What a program that a person starts here is told, unless they say otherwise."""


def command(name: str, meaning: str) -> click.Command:
    """The command that is a program; it reads its settings from NSM_* variables."""

    def run(words: tuple[str, ...]) -> int:
        if words and words[0] in ("-h", "--help"):
            click.echo(help_of(name, meaning))
            return 0
        return start(name, words)

    return click.Command(
        name,
        callback=run,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        short_help=meaning,
    )


def start(name: str, words: tuple[str, ...]) -> int:
    """Run the program in this process."""
    if not _there(PROGRAMS[name]):
        raise NotFound(f"`nsm {name}` is not in this version yet", fix="use another program")
    sys.argv = [f"nsm {name}", *words]
    tell(name, os.environ)  # noqa: TID251 -- the program reads it from there
    return entry(name)(words)


def tell(name: str, environ: MutableMapping[str, str]) -> None:
    """What a program is told beside what was said, which has the last word."""
    for variable, value in TOLD.get(name, {}).items():
        environ.setdefault(variable, value)


def help_of(name: str, meaning: str) -> str:
    """What the program is for, an example, and every setting with its default."""
    settings = _settings(name)
    table = usage(settings) if settings else "  not in this version yet"
    options = "".join(f"  {flag:<14} {what}\n" for flag, what in OPTIONS.get(name, {}).items())
    return (
        f"Usage: nsm {name} {ARGUMENTS.get(name, '')}\n\n  {meaning}.\n\n"
        f"{options}{options and chr(10)}"
        f"  Settings are variables of the environment:\n\n    {EXAMPLES[name]}\n\n{table}"
    )


def _settings(name: str) -> type[Any] | None:
    """The class of a program's settings, wherever it stands."""
    package = PROGRAMS[name].rpartition(".")[0]
    for module in (f"{package}.config", f"nsm.{name}.config"):
        if _there(module):
            found: type[Any] = import_module(module).Config
            return found
    return None


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
