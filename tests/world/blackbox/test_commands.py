"""Every command: its exit codes, its JSON, its help, and how it fails."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from .lab import NSM, Json, Lab, Mesh, eventually, nsm, started

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2]
endpoints:
  gateway: {node: n-2, serves: icmp-responder, run: icmp-responder, cidr: [172.16.1.0/24]}
workloads:
  web: {node: n-1, wants: kernel://icmp-responder/nsm-1}
  db: {node: n-2, wants: kernel://icmp-responder/nsm-1}
"""
COMMANDS = (
    *("up", "down", "status", "list", "validate", "check", "init"),
    *("exec", "ping", "wait", "logs", "kill", "restart", "attach", "detach"),
)
PROGRAMS = ("registry", "manager", "forwarder", "node", "client", "endpoint", "identity")
NUMBER, TEXT = (int, float), str
MESH = {"mesh": TEXT, "state": TEXT, "version": TEXT, "domains": list, "processes": list}
MESH |= {"endpoints": list, "workloads": list}
PART: dict[str, Any] = {"name": TEXT, "state": TEXT, "pid": int}
PROCESS = PART | {"rss_mb": NUMBER, "cpu_s": NUMBER, "restarts": int}
STANDING = PART | {"domain": TEXT, "node": TEXT, "netns": TEXT}
ENDPOINT = STANDING | {"services": list, "connections": int}
WORKLOAD = STANDING | {"connections": list}
WIRE = {"id": TEXT, "url": TEXT, "service": TEXT, "endpoint": TEXT, "interface": TEXT}
WIRE |= {"mechanism": TEXT, "remote_mechanism": (str, type(None)), "src": list, "dst": list}
WIRE |= {"mtu": int, "path": list, "state": TEXT, "connect_ms": NUMBER, "heals": int}
WIRE |= {"error": (dict, type(None))}


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    return lab.up("cmds", WORLD)


def shaped(found: Json, shape: Json) -> None:
    """It has these fields and no other, of these types."""
    assert found.keys() == shape.keys()
    for key, kind in shape.items():
        assert isinstance(found[key], kind), f"{key} is {found[key]!r}"


def failure(ran: Any) -> Json:
    """The four texts of an error."""
    document = ran.json
    assert document.keys() == {"error"}
    shaped(document["error"], {"code": TEXT, "cause": TEXT, "hop": TEXT, "fix": TEXT})
    assert document["error"]["cause"]
    found: Json = document["error"]
    return found


# -- help


@pytest.mark.parametrize("command", [*COMMANDS, *PROGRAMS])
def test_help_teaches_by_example(command: str) -> None:
    ran = nsm(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"nsm {command}" in ran.out.partition("\n")[2]


def test_the_first_help_names_every_command() -> None:
    said = nsm("--help").out
    assert [name for name in (*COMMANDS, *PROGRAMS) if f" {name} " not in said] == []


# -- status, list, validate, check, init


def test_status_has_the_fields_of_the_contract(mesh: Mesh) -> None:
    ran = mesh.ok("status", "-o", "json")
    status = ran.json
    shaped(status, MESH)
    for domain in status["domains"]:
        shaped(domain, {"name": TEXT, "nodes": list, "registry": TEXT})
    for kind, shape in (("processes", PROCESS), ("endpoints", ENDPOINT), ("workloads", WORKLOAD)):
        assert status[kind]
        for part in status[kind]:
            shaped(part, shape)
    for workload in status["workloads"]:
        for wire in workload["connections"]:
            shaped(wire, WIRE)


def test_status_tells_the_mesh_as_it_is(mesh: Mesh) -> None:
    status = mesh.status()
    assert (status["mesh"], status["state"]) == (mesh.name, "up")
    assert status["domains"][0]["nodes"] == ["n-1", "n-2"]
    assert status["domains"][0]["registry"].startswith("tcp://")
    names = {process["name"] for process in status["processes"]}
    domain = status["domains"][0]["name"]
    assert {"node@n-1", "node@n-2", f"registry@{domain}", f"identity@{domain}"} <= names
    assert {"web", "db", "gateway"} <= names


def test_status_takes_the_name_of_a_mesh(mesh: Mesh) -> None:
    assert nsm("status", mesh.name, "-o", "json").json["mesh"] == mesh.name
    assert nsm("-m", mesh.name, "status", "-o", "json").json["mesh"] == mesh.name


def test_a_mesh_that_is_not_up_has_no_status() -> None:
    ran = nsm("status", "bb-nobody", "-o", "json")
    assert ran.code == 1
    assert "nsm up" in failure(ran)["fix"]


def test_list_shows_what_is_up(mesh: Mesh) -> None:
    assert mesh.name in nsm("list").out
    assert mesh.name in [one["name"] for one in nsm("list", "-o", "json").json]


def test_validate_says_yes(mesh: Mesh) -> None:
    assert nsm("validate", str(mesh.file)).code == 0
    found = nsm("validate", str(mesh.file), "-o", "json").json
    assert found["workloads"] == ["web", "db"]


def test_check_says_what_this_host_can_do() -> None:
    assert nsm("check").code == 0
    assert all(one["ok"] for one in nsm("check", "-o", "json").json if one["needed"])


def test_init_writes_a_file_that_is_right_and_writes_over_none(lab: Lab) -> None:
    file = lab.folder / "mesh.yaml"
    assert nsm("init", cwd=lab.folder).code == 0
    assert nsm("validate", cwd=lab.folder).code == 0
    file.write_text("mine")
    assert nsm("init", cwd=lab.folder).code != 0
    assert file.read_text() == "mine"


# -- ping, wait, logs


def test_ping_has_the_fields_of_the_contract(mesh: Mesh) -> None:
    found = mesh.ok("ping", "web", "icmp-responder", "-c", "3", "-i", "10ms", "-o", "json").json
    numbers = {"min": NUMBER, "avg": NUMBER, "max": NUMBER}
    shape = {"sent": int, "received": int, "loss": NUMBER, "rtt_ms": dict}
    shaped(found, shape | {"interface": TEXT, "address": TEXT})
    shaped(found["rtt_ms"], numbers)
    assert (found["sent"], found["received"], found["loss"]) == (3, 3, 0)
    other = mesh.wire("web")["dst"][0].partition("/")[0]
    assert (found["interface"], found["address"]) == ("nsm-1", other)


def test_ping_of_what_does_not_answer_is_1(mesh: Mesh) -> None:
    ran = mesh("ping", "web", "172.16.1.99", "-c", "1", "-W", "200ms", "-o", "json")
    assert ran.code == 1
    assert (ran.json["received"], ran.json["loss"]) == (0, 1)


def test_ping_of_a_service_that_one_has_no_vwire_to_is_1(mesh: Mesh) -> None:
    ran = mesh("ping", "web", "elsewhere", "-o", "json")
    assert ran.code == 1
    assert "icmp-responder" in failure(ran)["fix"]


def test_wait_is_0_when_all_is_up_and_1_when_it_takes_too_long(mesh: Mesh) -> None:
    assert mesh("wait").code == 0
    assert mesh("wait", "web", "gateway", "n-1").code == 0
    mesh.ok("kill", "db")
    try:
        ran = mesh("wait", "db", "--timeout", "300ms")
        assert (ran.code, "db" in ran.said) == (1, True)
        assert mesh("wait", "web").code == 0
        assert mesh("status").code == 1
    finally:
        mesh.ok("restart", "db")
        mesh.ok("wait", "--timeout", "10s")


@pytest.mark.parametrize("who", ["web", "gateway", "node@n-1", "manager@n-2", "n-1", "supervisor"])
def test_logs_are_there_for_everybody(mesh: Mesh, who: str) -> None:
    assert mesh.ok("logs", who).out


def test_logs_are_followed(mesh: Mesh) -> None:
    with started(NSM, "logs", "-m", mesh.name, "db", "-f", "-n", "0") as following:
        time.sleep(0.5)
        mesh.ok("restart", "db")
        assert following.stdout is not None
        assert following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(5) in (0, 130)
    mesh.ok("wait", "db", "--timeout", "10s")


@pytest.mark.parametrize("command", [("logs",), ("exec",), ("kill",), ("restart",), ("wait",)])
def test_nobody_is_found_under_a_wrong_name(mesh: Mesh, command: tuple[str, ...]) -> None:
    more = ("--", "true") if command == ("exec",) else ()
    ran = mesh(*command, "nobody", *more)
    assert ran.code != 0
    assert "nobody" in ran.err
    assert "web" in ran.err  # whom there is


# -- exec


def test_exec_ends_as_its_command_does(mesh: Mesh) -> None:
    assert [mesh.exec("web", "sh", "-c", f"exit {code}").code for code in (0, 1, 42)] == [0, 1, 42]


def test_exec_passes_standard_input_and_output_on(mesh: Mesh) -> None:
    ran = mesh.exec("web", "sh", "-c", "cat; echo no >&2", fed="hello\n")
    assert (ran.out, ran.err) == ("hello\n", "no\n")


def test_exec_passes_signals_on(mesh: Mesh) -> None:
    trap = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with started(NSM, "exec", "-m", mesh.name, "web", "--", "sh", "-c", trap) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.stdout.readline() == "caught\n"
        assert running.wait(5) == 7


def test_exec_of_what_is_not_there_says_so(mesh: Mesh) -> None:
    ran = mesh.exec("web", "no-such-command")
    assert (ran.code, "no-such-command" in ran.err) == (127, True)


@pytest.mark.parametrize("who", ["web", "gateway", "n-1", "manager@n-1", "forwarder@n-2"])
def test_exec_stands_wherever_somebody_is(mesh: Mesh, who: str) -> None:
    assert "lo" in mesh.exec(who, "ls", "/sys/class/net").out


def test_exec_knows_options_that_are_the_commands_own(mesh: Mesh) -> None:
    assert mesh.exec("web", "echo", "-o", "json", "--help").out == "-o json --help\n"


def test_exec_keeps_the_folder_and_the_environment(mesh: Mesh, lab: Lab) -> None:
    words = ("exec", "-m", mesh.name, "web", "--", "sh", "-c", "pwd; echo $HOME")
    shown = nsm(*words, cwd=lab.folder)
    assert shown.out == f"{lab.folder}\n{os.environ['HOME']}\n"


# -- errors


@pytest.mark.parametrize(
    "words",
    [
        ("ping", "nobody", "icmp-responder"),
        ("kill", "nobody"),
        ("restart", "nobody"),
        ("wait", "nobody"),
        ("attach", "no-such-namespace", "kernel://icmp-responder/nsm-1"),
        ("detach", "no-such-namespace"),
        ("kill", "web", "-s", "NOSUCH"),
        ("ping", "web"),
        ("status", "--nonsense"),
    ],
)
def test_every_failure_is_json_when_json_is_asked_for(mesh: Mesh, words: tuple[str, ...]) -> None:
    ran = nsm(words[0], "-m", mesh.name, *words[1:], "-o", "json")
    assert ran.code in (1, 2)
    assert failure(ran)["code"]


def test_a_failure_for_people_is_on_standard_error_with_a_fix(mesh: Mesh) -> None:
    ran = mesh("kill", "nobody")
    assert (ran.out, ran.code) == ("", 1)
    assert "fix" in ran.err


def test_kill_sends_the_signal_that_is_named(mesh: Mesh) -> None:
    before = mesh.process("web")["pid"]
    mesh.ok("kill", "web", "-s", "SIGSTOP")
    eventually(lambda: Path(f"/proc/{before}/stat").read_text().split()[2] == "T")
    mesh.ok("kill", "web", "-s", "CONT")
    assert mesh.process("web")["pid"] == before
    assert mesh("status").code == 0


def test_json_goes_to_standard_output_alone(mesh: Mesh) -> None:
    ran = mesh("kill", "nobody", "-o", "json")
    assert (ran.err, bool(json.loads(ran.out))) == ("", True)


def test_up_shows_json_of_what_came_up(mesh: Mesh) -> None:
    """Already up: says so, touches nothing."""
    pids = [process["pid"] for process in mesh.status()["processes"]]
    ran = nsm("up", str(mesh.file), "-d", "-o", "json")
    assert ran.code == 1
    assert "already" in failure(ran)["cause"]
    assert [process["pid"] for process in mesh.status()["processes"]] == pids
