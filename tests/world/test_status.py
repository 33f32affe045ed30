"""Status says what the contract says, from what is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from nsm.world.forkserver import Started
from nsm.world.ground import Home
from nsm.world.jobs import Job, Stage
from nsm.world.plan import Plan
from nsm.world.planning import plan
from nsm.world.procfs import Cost
from nsm.world.reports import Healed, Wire
from nsm.world.spec_read import read
from nsm.world.status import View, Wires, mesh_status, worst

HOME = Home("lab", Path("/run/nsm"))
TEXT = """
endpoints: {gw: {serves: s, run: firewall}}
workloads: {web: {wants: [kernel://s/nsm-1, kernel://s/nsm-2?a=b], run: [ls]}}
"""


@pytest.fixture
def view() -> View:
    made: Plan = plan(read(TEXT, Path("lab.yaml")), HOME, Path("/"), {})
    jobs = {
        one.who: Job(one, Stage.UP, Started(100 + n, 1)) for n, one in enumerate(made.processes)
    }
    jobs["services@lab"] = Job(jobs["services@lab"].process, Stage.DONE, status=0)
    wires = Wires()
    wires.expect(made.workloads[0])
    return View(made, made.workloads, HOME.namespace, jobs, wires)


def shown(view: View) -> dict[str, object]:
    return mesh_status(view, lambda _: Cost(41.2, 0.8))


def up(id: str, **said: object) -> Wire:
    return Wire(id=id, state="up", endpoint="gw", path=["web", "gw"], **said)  # type: ignore[arg-type]


def test_status_has_the_contracts_fields(view: View) -> None:
    found = mesh_status(view, lambda _: Cost(41.2, 0.8))
    assert [*found] == [
        "mesh",
        "state",
        "version",
        "domains",
        "processes",
        "endpoints",
        "workloads",
    ]
    assert [*found["domains"][0]] == ["name", "nodes", "registry"]
    process = {"pid", "rss_mb", "cpu_s", "state", "restarts", "name"}
    assert all(set(one) == process for one in found["processes"])
    assert set(found["endpoints"][0]) == {
        *("name", "domain", "node", "services", "netns", "pid", "state", "connections")
    }
    workload = found["workloads"][0]
    assert [*workload] == ["name", "domain", "node", "netns", "pid", "state", "connections"]
    assert [*workload["connections"][0]] == [
        *("id", "url", "service", "endpoint", "interface", "mechanism", "remote_mechanism", "src"),
        *("dst", "mtu", "path", "state", "connect_ms", "heals", "error", "healed"),
    ]
    assert workload["netns"] == "/run/nsm/lab/netns/web"


def test_before_anything_is_started_all_of_it_is_connecting(view: View) -> None:
    found = mesh_status(replace(view, jobs={}), lambda _: Cost())
    assert found["state"] == "connecting"
    for kind in ("processes", "endpoints", "workloads"):
        assert {part["state"] for part in found[kind]} == {"connecting"}


def test_a_vwire_nobody_reported_is_connecting_and_known_by_its_url(view: View) -> None:
    found = mesh_status(view, lambda _: Cost())["workloads"][0]
    assert found["state"] == "connecting"
    second = found["connections"][1]
    assert (second["id"], second["service"], second["state"]) == ("web-1", "s", "connecting")
    assert second["url"] == "kernel://s/nsm-2?a=b"


def test_all_is_up_when_every_vwire_is(view: View) -> None:
    assert shown(view)["state"] == "connecting"
    assert view.wires.learn("web", up("web-0"))
    assert view.wires.learn("web", up("web-1"))
    assert shown(view)["state"] == "up"


def test_a_workload_is_as_its_worst_vwire(view: View) -> None:
    view.wires.learn("web", up("web-0"))
    view.wires.learn("web", Wire(id="web-1", state="healing"))
    assert mesh_status(view, lambda _: Cost())["workloads"][0]["state"] == "healing"


def test_a_workload_whose_client_was_killed_is_down(view: View) -> None:
    view.jobs["web"].started = None
    view.jobs["web"].stage = Stage.HELD
    assert mesh_status(view, lambda _: Cost())["workloads"][0]["state"] == "down"


def test_a_report_of_a_vwire_nobody_asked_for_is_refused(view: View) -> None:
    assert not view.wires.learn("web", up("web-7"))
    assert not view.wires.learn("nobody", up("web-0"))


def test_a_new_client_has_yet_to_report(view: View) -> None:
    view.wires.learn("web", up("web-0"))
    view.wires.expect(view.workloads[0])
    assert [wire.state for wire in view.wires.of("web")] == ["connecting", "connecting"]


def test_who_died_on_the_way_is_to_blame_for_a_heal_also_when_that_is_known_late(
    view: View,
) -> None:
    view.wires.learn("web", up("web-0"))
    broke = Healed(noticed="no echo comes back", noticed_at=7.0)
    asked: list[list[str]] = []

    def died(path: list[str]) -> str | None:
        asked.append(path)
        return ["gw", None][len(asked) % 2]

    for known in (None, "gw", "gw"):
        wire = view.wires.blamed("web", up("web-0", healed=broke), died)
        assert wire.healed
        assert wire.healed.died == known
        view.wires.learn("web", wire)
    assert asked == [["web", "gw"]] * 2, "what is known is not asked again"


def test_an_endpoint_counts_the_vwires_through_it(view: View) -> None:
    view.wires.learn("web", up("web-0"))
    view.wires.learn("web", Wire(id="web-1", state="up", endpoint="other", path=["web", "gw", "x"]))
    assert mesh_status(view, lambda _: Cost())["endpoints"][0]["connections"] == 2


def test_what_was_done_and_ended_well_is_not_shown_and_what_failed_is(view: View) -> None:
    names = {one["name"] for one in mesh_status(view, lambda _: Cost())["processes"]}
    assert "services@lab" not in names
    assert "web/run" in names
    view.jobs["web/run"].stage = Stage.DONE
    view.jobs["web/run"].status = 1
    failed = mesh_status(view, lambda _: Cost())
    assert {one["name"]: one["state"] for one in failed["processes"]}["web/run"] == "down"
    assert failed["state"] == "down"


def test_nothing_is_up_and_something_worse_wins() -> None:
    assert worst([]) == "up"
    assert worst(["up", "connecting", "healing"]) == "healing"
    assert worst(["down", "up"]) == "down"
