"""`nsm validate` says whether a file is right."""

import json
from collections.abc import Callable
from pathlib import Path

Nsm = Callable[..., tuple[int, str, str]]
GOOD = "endpoints: {gw: {serves: s, run: firewall}}\nworkloads: {web: {wants: kernel://s}}\n"


def test_a_right_file_is_praised(nsm: Nsm) -> None:
    Path("mesh.yaml").write_text(GOOD)
    code, out, _ = nsm("validate")
    assert code == 0
    assert "mesh.yaml is right: mesh mesh with 1 nodes, 1 endpoints, 1 workloads" in out


def test_a_right_file_is_told_to_programs(nsm: Nsm) -> None:
    Path("lab.yaml").write_text(GOOD)
    code, out, _ = nsm("validate", "lab.yaml", "-o", "json")
    assert code == 0
    assert json.loads(out)["workloads"] == ["web"]


def test_a_wrong_file_is_said_line_by_line(nsm: Nsm) -> None:
    Path("lab.yaml").write_text("nodes: 7\ncolour: red\n")
    code, out, err = nsm("validate", "lab.yaml")
    assert (code, out) == (2, "")
    assert "lab.yaml:1: nodes" in err
    assert "lab.yaml:2: unknown key 'colour'" in err
    code, out, _ = nsm("validate", "lab.yaml", "-o", "json")
    error = json.loads(out)["error"]
    assert code == 2
    assert error["code"] == "INVALID_ARGUMENT"
    assert "lab.yaml:2" in error["cause"]


def test_a_file_that_is_not_there_is_a_bad_file(nsm: Nsm) -> None:
    code, _, err = nsm("validate", "gone.yaml")
    assert code == 2
    assert "can't be read" in err
