"""However a mesh ends, nothing of it is left; however it can't begin, it says why."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from .lab import EXAMPLES, NSM, RUN, Json, Lab, Mesh, eventually, nsm, run, started, traces

pytestmark = [pytest.mark.linux, pytest.mark.world]


def slow(moment: float) -> object:
    return pytest.param(moment, marks=pytest.mark.slow)


WORLD = (EXAMPLES / "two-nodes.yaml").read_text()
SMALL = (EXAMPLES / "hello.yaml").read_text()


def test_up_shows_each_step_and_takes_everything_down_at_ctrl_c(lab: Lab) -> None:
    mesh = lab.draft("front", SMALL)
    with started(NSM, "up", str(mesh.file)) as up:
        eventually(lambda: mesh("status").code == 0, 20)
        mesh.remember()
        up.send_signal(signal.SIGINT)
        out, err = up.communicate(timeout=20)
    assert up.returncode == 0
    assert "client is up" in out + err
    assert "icmp-responder" in out
    eventually(lambda: not traces(mesh))


@pytest.mark.parametrize(
    "moment", [0.5, *(slow(m) for m in (0.0, 0.2, 0.4, 0.7, 0.9, 1.1, 1.4, 1.8))]
)
def test_up_that_is_killed_half_way_leaves_nothing_after_down(lab: Lab, moment: float) -> None:
    mesh = lab.draft("half", WORLD)
    with started(NSM, "up", str(mesh.file)) as up:
        time.sleep(moment)
        up.kill()
        up.communicate()
    mesh.remember()
    assert nsm("down", mesh.name).code == 0
    eventually(lambda: not traces(mesh))


@pytest.mark.slow
def test_up_that_is_killed_takes_its_mesh_with_it(lab: Lab) -> None:
    """It was in the foreground: nobody asked for it to be left running."""
    mesh = lab.draft("leash", SMALL)
    with started(NSM, "up", str(mesh.file)) as up:
        eventually(lambda: mesh("status").code == 0, 20)
        mesh.remember()
        up.kill()
        up.communicate()
    eventually(lambda: not traces(mesh))


def test_a_supervisor_that_is_killed_leaves_a_mesh_that_down_removes(lab: Lab) -> None:
    mesh = lab.up("orphan", WORLD)
    assert here(mesh) == []
    os.kill(supervisor(mesh), signal.SIGKILL)
    left = here(mesh)
    assert {one["kind"] for one in left} == {"process", "namespace", "folder"}
    assert {one["fix"] for one in left} == {f"nsm down {mesh.name}"}
    ran = mesh("status", "-o", "json")
    assert ran.code == 1
    assert "nsm down" in ran.json["error"]["fix"]
    listed = {one["name"]: one["state"] for one in nsm("list", "-o", "json").json}
    assert listed[mesh.name] != "up"
    again = nsm("up", str(mesh.file), "-d", "-o", "json")
    assert again.code == 1
    assert f"nsm down {mesh.name}" in again.json["error"]["fix"]
    assert nsm("down", mesh.name).code == 0
    eventually(lambda: not traces(mesh))
    assert here(mesh) == []
    assert nsm("up", str(mesh.file), "-d").code == 0
    assert nsm("down", mesh.name).code == 0


def here(mesh: Mesh) -> list[Json]:
    """What is left over on this host of one mesh; others may be tested meanwhile."""
    ran = nsm("audit", "--here", "--timeout", "0s", "-o", "json")
    assert ran.code == int(bool(ran.json["leftovers"]))
    return [one for one in ran.json["leftovers"] if one["whose"] == mesh.name]


def supervisor(mesh: Mesh) -> int:
    return int(json.loads((mesh.root / "state.json").read_text())["supervisor"]["pid"])


def test_down_ends_what_hides_in_a_namespace(lab: Lab) -> None:
    mesh = lab.up("hide", SMALL)
    words = ("setsid", NSM, "exec", "-m", mesh.name, "client", "--", "env", "-i", "sleep", "1000")
    with started(*words) as hidden:
        eventually(lambda: b"sleep" in Path(f"/proc/{hidden.pid}/cmdline").read_bytes())
        assert nsm("down", mesh.name).code == 0
        assert hidden.wait(5) != 0
    eventually(lambda: not traces(mesh))


@pytest.mark.slow
def test_down_twice_and_of_nothing_is_no_failure(lab: Lab) -> None:
    mesh = lab.draft("twice", SMALL)
    assert nsm("down", mesh.name).code == 0
    nsm("up", str(mesh.file), "-d")
    assert [nsm("down", mesh.name).code for _ in range(2)] == [0, 0]


@pytest.mark.slow
def test_leftovers_in_the_way_are_named_and_removed(lab: Lab) -> None:
    mesh = lab.draft("debris", SMALL)
    (mesh.root / "netns").mkdir(parents=True)
    (mesh.root / "netns" / "client").touch()
    (mesh.root / "state.json").write_text("not json")
    ran = nsm("up", str(mesh.file), "-d", "-o", "json")
    assert (ran.code, mesh.name in ran.json["error"]["fix"]) == (1, True)
    assert nsm("down", mesh.name).code == 0
    assert nsm("up", str(mesh.file), "-d").code == 0
    assert nsm("down", mesh.name).code == 0


def test_down_of_what_is_no_name_touches_nothing() -> None:
    """Other such names are tried where nothing can be harmed: see tests/world/test_ground.py."""
    victim = RUN.parent / "bb-victim"
    victim.mkdir()
    (victim / "kept").touch()
    try:
        ran = nsm("down", "../bb-victim", "-o", "json")
        assert ran.code == 1
        assert "no name" in ran.json["error"]["cause"]
        assert (victim / "kept").exists()
    finally:
        (victim / "kept").unlink(missing_ok=True)
        victim.rmdir()


@pytest.mark.parametrize("command", ["up", "status", "down", "exec", "ping"])
def test_without_root_it_is_said_and_how_to_mend_it(lab: Lab, command: str) -> None:
    words = {
        "up": (str(lab.draft("root", SMALL).file), "-d"),
        "status": ("bb-nobody",),
        "down": ("bb-nobody",),
        "exec": ("-m", "bb-nobody", "web", "--", "true"),
        "ping": ("-m", "bb-nobody", "web", "x"),
    }[command]
    for file in (lab.folder, *lab.folder.parents[:2]):
        file.chmod(0o755)
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    ran = run(*nobody, NSM, command, *words)
    assert ran.code == (3 if command in ("up", "down", "ping") else ran.code)
    assert ran.code != 0
    assert "fix" in ran.err, str(ran)
    assert "Traceback" not in ran.said


UNSERVED = """
services: {lonely: {}}
workloads: {web: {wants: kernel://lonely/nsm-1}}
"""


@pytest.mark.slow
def test_a_service_nobody_serves_is_1_and_says_why_and_stays_for_a_look(lab: Lab) -> None:
    mesh = lab.try_up("lonely", UNSERVED, "--timeout", "4s", "-o", "json")
    assert mesh.up is not None
    assert mesh.up.code == 1
    workload = mesh.up.json["workloads"][0]
    error = workload["connections"][0]["error"]
    assert workload["state"] == "connecting"
    assert "lonely" in error["cause"]
    assert error["fix"]
    assert error["hop"].endswith("manager-node-1")
    assert mesh.wire("web")["error"] == error
    assert mesh("wait", "--timeout", "100ms").code == 1


def test_without_d_what_is_not_all_connected_goes_down_again(lab: Lab) -> None:
    mesh = lab.draft("brief", UNSERVED)
    ran = nsm("up", str(mesh.file), "--timeout", "100ms")
    assert ran.code == 1
    assert "web" in ran.out
    assert "taking everything down" in ran.err
    eventually(lambda: not traces(mesh))


EXHAUSTED = """
endpoints: {tiny: {serves: tiny, run: icmp-responder, cidr: [10.95.0.0/31]}}
workloads: {user: {wants: kernel://tiny/nsm-1, replicas: 2}}
"""


def test_when_addresses_run_out_one_is_connected_and_the_other_says_why(lab: Lab) -> None:
    mesh = lab.try_up("full", EXHAUSTED, "--timeout", "3s")
    assert mesh.up is not None
    assert mesh.up.code == 1

    def wires() -> list[Json]:
        return [mesh.wire(f"user-{number}") for number in (1, 2)]

    def said() -> bool:
        return all(wire["error"] or wire["state"] == "up" for wire in wires())

    eventually(said)
    assert sorted(wire["state"] for wire in wires()) == ["connecting", "up"]
    error = next(wire["error"] for wire in wires() if wire["state"] != "up")
    assert "10.95.0.0/31" in error["cause"]
    assert error["code"] == "RESOURCE_EXHAUSTED"
    happy = next(wire["id"][:-2] for wire in wires() if wire["state"] == "up")
    other = {"user-1": "user-2", "user-2": "user-1"}[happy]
    mesh.ok("kill", happy, "-s", "TERM")
    eventually(lambda: mesh.wire(other)["state"] == "up")
