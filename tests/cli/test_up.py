"""`nsm up` refuses what can't be before it begins anything."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nsm.world.ground import BASE

Nsm = Callable[..., tuple[int, str, str]]
GOOD = "endpoints: {gw: {serves: s, run: firewall}}\n"
DNS = "endpoints: {gw: {serves: s, run: firewall, dns: [{servers: [self]}]}}\n"


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("domains: {a: {}, b: {}}", (), "domains:"),
        (DNS, (), "dns: of an endpoint"),
        (GOOD, ("--reload",), "--reload"),
    ],
)
def test_what_this_version_cannot_do_is_said(
    nsm: Nsm, text: str, words: tuple[str, ...], says: str
) -> None:
    Path("later.yaml").write_text(text)
    assert nsm("validate", "later.yaml")[0] == 0
    code, _, err = nsm("up", "later.yaml", *words)
    assert code == 3
    assert f"not in this version yet: {says}" in err
    assert not (BASE / "later").exists()


def test_a_wrong_file_starts_nothing(nsm: Nsm) -> None:
    Path("bad-one.yaml").write_text("nodes: 7")
    assert nsm("up", "bad-one.yaml")[0] == 2
    assert not (BASE / "bad-one").exists()


AS_NOBODY = """
import os, sys
import nsm.cli.up, nsm.cli.failing
from nsm.cli.root import run
os.setuid(65534)
sys.exit(run(["up", sys.argv[1], "-o", "json"]))
"""


def test_who_is_not_root_is_told_so() -> None:
    if os.geteuid() != 0:
        pytest.skip("has to stop being root")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "lab.yaml")
        file.write_text(GOOD)
        words = [sys.executable, "-c", AS_NOBODY, str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done
    error = json.loads(done.stdout)["error"]
    assert "needs root" in error["cause"]
    assert "sudo" in error["fix"]
