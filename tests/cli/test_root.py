"""`nsm` lists what it can do without importing it, and fails in two languages."""

import json
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from nsm.cli.root import SECTIONS, root

Nsm = Callable[..., tuple[int, str, str]]
EVERY = [name for section in SECTIONS.values() for name in section]


def test_help_names_every_command(nsm: Nsm) -> None:
    code, out, _ = nsm("--help")
    assert code == 0
    assert all(name in out for name in EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_every_command_can_be_had_and_teaches_by_example(nsm: Nsm, name: str) -> None:
    code, out, _ = nsm(name, "--help")
    assert code == 0
    assert f"nsm {name}" in out.replace("Usage:", "", 1)


def test_help_imports_nothing_heavy() -> None:
    show = "import sys; from nsm.cli.root import run; run(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    for heavy in (
        "asyncio",
        "grpclib",
        "google.protobuf",
        "cryptography",
        "rich",
        "yaml",
        "msgspec",
    ):
        assert f"'{heavy}'" not in loaded, heavy


def test_an_unknown_command_is_a_usage_error_in_both_languages(nsm: Nsm) -> None:
    code, out, err = nsm("frobnicate")
    assert (code, out) == (2, "")
    assert "No such command" in err
    code, out, _ = nsm("frobnicate", "-o", "json")
    assert code == 2
    assert set(json.loads(out)["error"]) == {"code", "cause", "hop", "fix"}


def test_the_version_is_known(nsm: Nsm) -> None:
    assert nsm("--version")[1].startswith("nsm 0.")


def test_names_in_the_list_are_names_of_commands() -> None:
    context = click.Context(root)
    assert root.list_commands(context) == EVERY
    assert all(root.get_command(context, name) for name in EVERY)
    assert root.get_command(context, "nothing") is None
