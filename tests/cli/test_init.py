"""`nsm init` writes a file to start from."""

from collections.abc import Callable
from pathlib import Path

Nsm = Callable[..., tuple[int, str, str]]


def test_what_is_written_is_right(nsm: Nsm) -> None:
    assert nsm("init")[0] == 0
    assert nsm("validate")[0] == 0


def test_what_its_comments_offer_is_right_as_well(nsm: Nsm) -> None:
    nsm("init", "lab.yaml")
    lines = []
    for line in Path("lab.yaml").read_text().splitlines()[3:]:
        offered = line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line
        lines.append(line if offered.startswith("How endpoints") else offered)
    Path("lab.yaml").write_text("\n".join(lines))
    code, _, err = nsm("validate", "lab.yaml")
    assert code == 0, err


def test_a_file_that_is_there_is_left_alone(nsm: Nsm) -> None:
    Path("mesh.yaml").write_text("mine")
    code, _, err = nsm("init")
    assert code == 2
    assert "is there already" in err
    assert Path("mesh.yaml").read_text() == "mine"
    assert nsm("init", "--force")[0] == 0
    assert Path("mesh.yaml").read_text() != "mine"
