"""What `nsm up` says when not all is up: who, and why, and not everybody who had to wait."""

from typing import Any

import pytest

from nsm.cli.live import heals
from nsm.cli.progress import Changes, Progress

Json = dict[str, Any]


def process(name: str, state: str, pid: int | None) -> Json:
    return {"name": name, "state": state, "pid": pid}


def mesh(*processes: Json, workloads: tuple[Json, ...] = ()) -> Json:
    return {"processes": list(processes), "endpoints": [], "workloads": list(workloads)}


def workload(pid: int | None) -> Json:
    wire = {"url": "kernel://s/nsm-1", "state": "connecting", "error": None, "dst": []}
    return {"name": "web", "pid": pid, "connections": [wire]}


def said(capsys: pytest.CaptureFixture[str], found: Json, *, complete: bool = False) -> str:
    Progress(quiet=False, complete=complete).summary(found)
    return capsys.readouterr().out


def test_who_is_down_is_named_and_who_waits_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(
        capsys,
        mesh(
            process("identity@lab", "down", None),
            process("registry@lab", "connecting", None),
            process("gateway", "connecting", 7),
            process("web", "up", 8),
        ),
    )
    assert out.splitlines() == [
        "identity@lab is not up; `nsm logs identity@lab` says more",
        "gateway is not up; `nsm logs gateway` says more",
        "not begun, because others come first: registry@lab",
    ]


def test_a_vwire_nobody_could_ask_for_yet_has_no_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(capsys, mesh(workloads=(workload(None),))) == ""
    assert "no answer yet" in said(capsys, mesh(workloads=(workload(7),)))


def test_what_runs_in_workloads_comes_last_and_is_no_trouble(
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = mesh(process("web/run", "connecting", None))
    assert said(capsys, late, complete=True) == ""
    assert "web/run" in said(capsys, late)


def healing(**more: object) -> Json:
    last = {"noticed": "no echo comes back", "noticed_at": 1e9, "ms": None, "died": "one", **more}
    wire = {"url": "kernel://s/nsm-1", "interface": "nsm-1", "endpoint": "two", "healed": last}
    one = {"name": "web", "state": "up", "connections": [wire]}
    return mesh(workloads=(one,))


def test_each_heal_is_told_when_it_is_noticed_and_once_when_it_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changes = Changes(Progress(quiet=False))
    for found in (healing(), healing(), healing(ms=310.4), healing(ms=310.4)):
        changes.update(found)
    noticed, over = capsys.readouterr().err.splitlines()
    assert noticed.endswith("web nsm-1: one died: no echo comes back; not carried again yet")
    assert over.endswith("no echo comes back; carried again after 310 ms, by two")


def test_the_live_view_has_the_newest_heals() -> None:
    shown = heals(healing(ms=12.0, died=None)).plain
    assert "web nsm-1: no echo comes back; carried again after 12 ms, by two" in shown
    assert heals(mesh()).plain.strip() == ""
