"""A whole mesh of stand-ins, in real namespaces, under the real supervisor."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.errors import Invalid, NotFound
from nsm.sdk import Clock
from nsm.world import procfs
from nsm.world.answering import Answering
from nsm.world.control import Control, missing
from nsm.world.ground import Home
from nsm.world.jobs import Stage
from nsm.world.plan import Plan, Process
from nsm.world.planning import plan
from nsm.world.programs import OurProgram
from nsm.world.spec_read import read
from nsm.world.state import read_state
from nsm.world.supervisor import Supervisor

pytestmark = pytest.mark.linux
HERE = Path(__file__).parent
TEXT = """
endpoints: {gw: {serves: s, run: firewall}}
workloads:
  web: {wants: [kernel://s/nsm-1, kernel://s/nsm-2], run: [sh, -c, "echo run; exec sleep 99"]}
"""
PARTS = {"services": "once", "client": "client"}


def stand_in(process: Process) -> Process:
    """The same process as a stand-in for what it runs, but for what is the user's."""
    if process.kind == "run":
        return process
    return replace(process, launch=OurProgram("stand_in", (PARTS.get(process.kind, "ready"),)))


def planned(home: Home, text: str = TEXT) -> Plan:
    made = plan(read(text, Path("lab.yaml")), home, Path("/"), {"PATH": os.environ["PATH"]})
    return replace(made, processes=tuple(stand_in(one) for one in made.processes))


@pytest.fixture
async def mesh(home: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, sys.path)]))
    supervisor = Supervisor(planned(home), home, Clock())
    answering = Answering(supervisor)
    await answering.start()
    await supervisor.start()
    assert await supervisor.until(lambda: not missing(supervisor.status()), 20), supervisor.status()
    yield supervisor
    answering.close()
    await supervisor.stop()


async def ask(mesh: Supervisor, do: str, **said: object) -> dict[str, object]:
    return await asyncio.to_thread(lambda: Control(mesh.home).ask(do, 20, **said))


async def test_everything_starts_in_order_and_is_up(mesh: Supervisor) -> None:
    assert await mesh.until(lambda: mesh.jobs.get("web/run").stage is Stage.UP, 5)
    status = await ask(mesh, "status")
    assert status["state"] == "up"
    names = [step["step"] for step in mesh.steps]
    order = [
        "identity@lab is up",
        "registry@lab is up",
        "node@node-1 is up",
        "gw is up",
        "web is up",
    ]
    assert [name for name in names if name in order] == order


async def test_each_runs_in_its_namespace_and_writes_its_log(mesh: Supervisor) -> None:
    for who in ("gw", "web", "node@node-1", "registry@lab"):
        job = mesh.jobs.get(who)
        assert job.pid
        space = mesh.home.namespace(job.process.namespace).stat()
        assert procfs.namespace(job.pid) == (space.st_dev, space.st_ino)
        assert mesh.home.log(who).read_text().startswith("here is")
    log = mesh.home.log("web/run")
    while not (log.exists() and "run" in log.read_text()):
        await mesh.until(lambda: False, 0.01)
    rooms = {procfs.namespace(mesh.jobs.get(who).pid or 0, "mnt") for who in ("web", "web/run")}
    assert len(rooms) == 1
    assert rooms != {procfs.namespace(os.getpid(), "mnt")}


async def test_the_authority_is_told_who_stands_where(mesh: Supervisor) -> None:
    entries = json.loads(mesh.home.entries("lab").read_text())["entries"]
    found = {entry["id"]: entry["netns"] for entry in entries}
    assert found["spiffe://lab/ns/lab/web"] == str(mesh.home.namespace("web"))


async def test_what_dies_is_started_again_and_counted(mesh: Supervisor) -> None:
    gateway = mesh.jobs.get("gw")
    before = gateway.pid
    os.kill(before or 0, signal.SIGKILL)
    assert await mesh.until(lambda: gateway.restarts == 1 and gateway.ready, 10)
    assert gateway.pid != before


async def test_what_is_killed_stays_down_and_leaves_its_namespace(mesh: Supervisor) -> None:
    await ask(mesh, "kill", who="gw")
    status = await ask(mesh, "status")
    assert missing(status) == ["gw"]
    assert mesh.home.namespace("gw").exists()
    assert await ask(mesh, "restart", who="gw")
    answer = await ask(mesh, "wait", who=["gw"], within=10)
    assert answer["up"]


async def test_what_is_gone_takes_its_namespace_and_all_in_it_along(mesh: Supervisor) -> None:
    await mesh.until(lambda: mesh.jobs.get("web/run").stage is Stage.UP, 5)
    run = mesh.jobs.get("web/run").pid or 0
    await ask(mesh, "kill", who="web", gone=True)
    assert not mesh.home.namespace("web").exists()
    assert not procfs.alive(run, procfs.began(run))
    await ask(mesh, "restart", who="web")
    assert (await ask(mesh, "wait", within=10))["up"]
    assert await mesh.until(lambda: mesh.jobs.get("web/run").stage is Stage.UP, 5)


async def test_the_registrys_namespace_is_not_to_be_taken(mesh: Supervisor) -> None:
    with pytest.raises(Invalid, match="no namespace to lose"):
        await ask(mesh, "kill", who="registry", gone=True)


async def test_services_are_registered_anew_when_the_registry_was_lost(mesh: Supervisor) -> None:
    services, registry = mesh.jobs.get("services@lab"), mesh.jobs.get("registry@lab")
    log = mesh.home.log("services@lab")
    await mesh.restart(registry)
    assert await mesh.until(lambda: services.stage is Stage.DONE and registry.ready, 10)
    assert await mesh.until(lambda: log.read_text().count("here is") == 2, 10)


async def test_waiting_for_what_does_not_come_ends_in_time(mesh: Supervisor) -> None:
    await ask(mesh, "kill", who="gw")
    answer = await ask(mesh, "wait", within=0.1)
    assert (answer["up"], answer["missing"]) == (False, ["gw"])


async def test_the_state_file_names_what_runs(mesh: Supervisor) -> None:
    state = read_state(mesh.home.state)
    assert state
    assert state.supervisor.alive
    assert {one.name for one in state.processes} >= {"gw", "web", "node@node-1"}
    assert all(one.alive for one in state.processes)


async def test_a_stranger_on_the_status_socket_changes_nothing(mesh: Supervisor) -> None:
    from nsm.world.reports import Report, Wire

    mesh.hear(1, Report(name="nobody", ready=True))
    mesh.hear(mesh.jobs.get("web").pid or 0, Report(name="web", connection=Wire(id="web-9")))
    assert [wire.id for wire in mesh.wires.of("web")] == ["web-0", "web-1"]


async def test_something_that_runs_anyway_can_be_attached_and_detached(mesh: Supervisor) -> None:
    guest = await asyncio.create_subprocess_exec(
        *("unshare", "--net", "sh", "-c", "echo there; exec sleep 99"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert guest.stdout
    await guest.stdout.readline()
    try:
        urls = ["kernel://s/nsm-1"]
        mesh.plan = replace(mesh.plan, processes=tuple(map(stand_in, mesh.plan.processes)))
        found = await ask(mesh, "attach", target=str(guest.pid), urls=urls, within=0.1)
        assert found["name"] == "attach-1"
        assert [wire["url"] for wire in found["connections"]] == urls  # type: ignore[index, attr-defined]
        with pytest.raises(NotFound, match="has no kernel://t"):
            await ask(mesh, "detach", target="attach-1", urls=["kernel://t"])
        await ask(mesh, "detach", target=str(guest.pid))
        assert "attach-1" not in mesh.jobs.all
        assert not mesh.home.guest("attach-1").exists()
    finally:
        guest.kill()
        await guest.wait()


async def test_attaching_what_is_of_the_mesh_is_refused(mesh: Supervisor) -> None:
    pid = mesh.jobs.get("web").pid
    with pytest.raises(Invalid, match="is of this mesh"):
        await ask(mesh, "attach", target=str(pid), urls=["kernel://s"])


async def test_what_cannot_be_read_is_answered_and_not_obeyed(mesh: Supervisor) -> None:
    reader, writer = await asyncio.open_unix_connection(mesh.home.control)
    for line in (b"\n", b"{}\n", b'{"do": "explode"}\n', b'{"do": "kill", "who": 7}\n', b"\xff\n"):
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert answer["error"]["code"] == "INVALID_ARGUMENT"
    writer.close()


async def test_nothing_is_left_when_it_is_taken_down(home: Home, mesh: Supervisor) -> None:
    pids = [job.pid for job in mesh.jobs if job.pid]
    await mesh.stop()
    assert not home.root.exists()
    assert not [pid for pid in pids if procfs.alive(pid, procfs.began(pid))]
