"""Programs of one's own: endpoints from a file or a command, and what runs in a workload."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from .lab import EXAMPLES, NSM, Lab, Mesh, eventually

pytestmark = [pytest.mark.linux, pytest.mark.world]


@pytest.fixture(scope="module")
def greeting(lab: Lab) -> Mesh:
    shutil.copy(EXAMPLES / "greet.py", lab.folder)
    return lab.up("greet", (EXAMPLES / "greet.yaml").read_text())


def test_an_endpoint_from_a_python_file_serves_vwires(greeting: Mesh) -> None:
    assert greeting.wire("visitor")["endpoint"] == "greeter"
    assert greeting.pings("visitor", "greetings")


def test_an_element_of_ones_own_sees_who_comes_and_who_goes(greeting: Mesh) -> None:
    assert "hello visitor 172.16.3.1/32" in greeting.ok("logs", "greeter").out
    greeting.ok("kill", "visitor", "-s", "TERM")
    eventually(lambda: "goodbye visitor" in greeting.ok("logs", "greeter").out)
    greeting.ok("restart", "visitor")
    greeting.ok("wait", "visitor", "--timeout", "10s")


def test_the_example_has_about_ten_lines() -> None:
    lines = (EXAMPLES / "greet.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 15


COMMANDS = """
endpoints:
  command:
    serves: of-a-command
    run: [nsm, endpoint, icmp-responder]
    cidr: [10.80.0.0/24]
    env: {PATH: "%(bin)s:/usr/bin:/bin", COLOUR: green}
  shell:
    serves: of-a-shell
    run: [sh, -c, 'exec "%(bin)s/nsm" endpoint icmp-responder']
    cidr: [10.81.0.0/24]
  fleeting:
    serves: fleeting
    run: icmp-responder
    cidr: [10.82.0.0/24]
    restart: never
  dogged:
    serves: dogged
    run: icmp-responder
    cidr: [10.83.0.0/24]
workloads:
  web:
    wants: kernel://of-a-command/nsm-1
    run: [python3, -m, http.server, "80"]
  web6:
    wants: [kernel://of-a-shell/nsm-1, kernel://of-a-command/nsm-2]
    run: [sh, -c, "ip -o addr > seen; echo $NSM_NAME came; sleep 1000"]
  brief:
    wants: kernel://of-a-shell/nsm-1
    run: [sh, -c, "echo done"]
"""


@pytest.fixture(scope="module")
def commands(lab: Lab) -> Mesh:
    return lab.up("cmd", COMMANDS % {"bin": NSM.rpartition("/")[0]})


def test_an_endpoint_may_be_a_command(commands: Mesh) -> None:
    assert commands.pings("web", "of-a-command")
    assert commands.pings("web6", "of-a-shell")
    assert commands.endpoint("command")["pid"]


def test_what_an_endpoint_runs_has_the_environment_the_file_gives_it(commands: Mesh) -> None:
    pid = commands.endpoint("command")["pid"]
    assert "COLOUR=green" in Path(f"/proc/{pid}/environ").read_text()


def test_what_a_workload_runs_serves_its_node_and_other_workloads(commands: Mesh) -> None:
    own = commands.exec("web", "ip", "-4", "-o", "addr", "show", "eth0").out.split()[3]
    fetch = f"import urllib.request as u; u.urlopen('http://{own.split('/')[0]}/').read()"
    eventually(lambda: commands.python("brief", fetch).code == 0)


def test_what_a_workload_runs_is_reached_through_the_vwire(commands: Mesh) -> None:
    address = commands.wire("web")["src"][0].partition("/")[0]
    fetch = f"import urllib.request as u; print(u.urlopen('http://{address}/').status)"
    ran = commands.python("command", fetch)
    assert ran.out.strip() == "200", str(ran)


def test_what_a_workload_runs_starts_when_all_its_vwires_are_up(commands: Mesh) -> None:
    seen = (commands.file.parent / "seen").read_text()
    for wire in commands.workload("web6")["connections"]:
        assert f" {wire['src'][0]} " in seen
    assert "web6 came" in commands.ok("logs", "web6/run").out


def test_what_a_workload_runs_is_a_process_of_its_own(commands: Mesh) -> None:
    process = commands.process("web/run")
    assert process["state"] == "up"
    assert process["pid"] != commands.workload("web")["pid"]


def test_what_has_run_to_its_end_is_no_failure(commands: Mesh) -> None:
    assert "done" in commands.ok("logs", "brief/run").out
    assert commands("status").code == 0


def test_a_program_that_dies_is_started_again_unless_it_must_not_be(commands: Mesh) -> None:
    pids = {name: commands.endpoint(name)["pid"] for name in ("dogged", "fleeting")}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: commands.endpoint("dogged")["pid"] not in (pids["dogged"], None))
    assert commands.process("dogged")["restarts"] == 1
    assert commands.endpoint("fleeting")["state"] == "down"
    assert commands("status").code == 1
    commands.ok("restart", "fleeting")
    commands.ok("wait", "fleeting", "dogged", "--timeout", "10s")
    assert commands("status").code == 0
