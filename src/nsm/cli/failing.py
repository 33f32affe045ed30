"""How a command says that it failed: to people on standard error, to programs as JSON."""

import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from nsm.errors import Invalid, NsmError

BAD_FILE, HOST_CANNOT, FAILED = 2, 3, 1
OURS = 125
"""What `nsm exec` ends with when it is `nsm` that failed and not the command."""


def fail(error: Exception, argv: Sequence[str]) -> int:
    """Say why, and give the exit code."""
    if isinstance(error, click.exceptions.Abort):
        sys.stderr.write("stopped\n")
        return 130
    if isinstance(error, click.ClickException):
        return _usage(error, argv)
    assert isinstance(error, NsmError)
    if wants_json(argv):
        from nsm.world.control import told

        click.echo(json.dumps({"error": told(error)}))
    else:
        _say(error)
    return exit_code(error, argv)


def _usage(error: click.ClickException, argv: Sequence[str]) -> int:
    if wants_json(argv):
        told = {"code": Invalid.status, "cause": error.format_message(), "hop": "", "fix": "--help"}
        click.echo(json.dumps({"error": told}))
    else:
        error.show()
    return error.exit_code


def _say(error: NsmError) -> None:
    where = f"{error.hop}: " if error.hop else ""
    click.echo(f"{click.style('error', fg='red')}: {where}{error.cause}", err=True)
    if error.fix:
        click.echo(f"  {click.style('fix', fg='green')}: {error.fix}", err=True)


def exit_code(error: NsmError, argv: Sequence[str]) -> int:
    """What the commands' contract says of each kind of failure."""
    from nsm.values import BadFile
    from nsm.world.starting import HostCannot

    if isinstance(error, BadFile):
        return BAD_FILE
    if isinstance(error, HostCannot):
        return HOST_CANNOT
    return OURS if "exec" in argv[:3] else FAILED


def wants_json(argv: Sequence[str]) -> bool:
    """Whether the answer is for a program; what follows `--` is somebody else's."""
    ours = list(argv[: argv.index("--")] if "--" in argv else argv)
    spelled = {"-ojson", "--output=json", "-o=json"} & set(ours)
    pairs = pairwise(ours)
    return bool(spelled) or any(a in ("-o", "--output") and b == "json" for a, b in pairs)


def hush() -> int:
    """End without complaint about a pipe that is closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
