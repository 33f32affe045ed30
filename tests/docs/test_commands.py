"""What the pages tell people to type works when it is typed."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.ours import MARK

from .pages import PAGES, ROOT, blocks, name

COMMANDS = {
    page: [block for block in blocks(page) if block.language == "sh" and not block.targets]
    for page in PAGES
}
PATIENCE = 180.0
"""Seconds after which a page is stuck."""

PREAMBLE = """
set -eu
mount -t tmpfs none /run   # in a mount namespace of this page's: other meshes are not there
end() {
    code=$?; set +ex
    for mesh in $(ls /run/nsm); do nsm audit $mesh --timeout 15s || code=1; done
    nsm down --all; kill $(jobs -p)
    test -z "$(ls /run/nsm)" || code=1
    exit $code
} 2> /dev/null
trap end EXIT
set -x
"""
NAMING = re.compile(r"\b(down|status|-m) ([a-z][a-z0-9-]*)")


@pytest.mark.linux
@pytest.mark.world
@pytest.mark.parametrize("page", [page for page in PAGES if COMMANDS[page]], ids=name)
def test_what_a_page_tells_to_type_works_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    own = f"-{MARK}"  # a mesh of the same name may be up beside us
    for block in blocks(page):
        if block.file:
            (tmp_path / block.file).write_text(block.text + block.naming(own))
    typed = "\n".join(block.text for block in COMMANDS[page])
    script = PREAMBLE + NAMING.sub(rf"\1 \2{own}", typed)
    with (tmp_path / "said").open("w+") as said:
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=PATIENCE,
            check=False,
        )
        said.seek(0)
        assert done.returncode == 0, said.read()


def test_there_are_commands_to_try() -> None:
    assert sum(map(len, COMMANDS.values())) > 5


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_stands_on_a_page_once(page: Path) -> None:
    files = [block.file for block in blocks(page) if block.file]
    assert len(files) == len(set(files))


def test_what_pages_tell_to_make_can_be_made_and_is_listed() -> None:
    helped = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = {line.split()[0] for line in helped.splitlines()}
    told = {target for page in PAGES for block in blocks(page) for target in block.targets}
    assert {"demo", "test"} <= told <= listed
