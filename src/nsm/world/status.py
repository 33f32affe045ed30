"""What `nsm status -o json` says, from what the supervisor knows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace as replaced

from nsm import __version__
from nsm.nouns import replace
from nsm.world.jobs import Job, Stage
from nsm.world.plan import EndpointPlan, Plan, WorkloadPlan
from nsm.world.procfs import Cost
from nsm.world.reports import Wire

Json = dict[str, Any]
UP, CONNECTING, HEALING, DOWN = "up", "connecting", "healing", "down"
SHOWN = {
    Stage.WAITING: CONNECTING,
    Stage.STARTING: CONNECTING,
    Stage.UP: UP,
    Stage.PAUSING: DOWN,
    Stage.HELD: DOWN,
    Stage.DONE: DOWN,
}
WORST = (DOWN, HEALING, CONNECTING, UP)


class Wires:
    """The vWires of every workload, as last reported; what was not, is connecting."""

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Wire]] = {}

    def expect(self, workload: WorkloadPlan) -> None:
        """Forget what a former client reported: its successor has yet to."""
        self.known[workload.name] = {
            wire.id: wire
            for number, want in enumerate(workload.wants)
            for wire in [Wire(id=f"{workload.name}-{number}", url=want.text, service=want.service)]
        }

    def learn(self, workload: str, wire: Wire) -> bool:
        """Take in a report; False when it is of no vWire that was asked for."""
        wires = self.known.get(workload, {})
        if wire.id not in wires:
            return False
        wires[wire.id] = wire
        return True

    def blamed(self, workload: str, wire: Wire, died: Callable[[list[str]], str | None]) -> Wire:
        """The same report, and who of those it led through had just died when it broke."""
        known = self.known.get(workload, {}).get(wire.id)
        if known is None or wire.healed is None:
            return wire
        former = known.healed
        same = former is not None and former.noticed_at == wire.healed.noticed_at
        who = (former.died if former and same else None) or died(known.path)
        return replaced(wire, healed=replaced(wire.healed, died=who))

    def of(self, workload: str) -> list[Wire]:
        """The vWires of a workload, in the order they were asked for."""
        return list(self.known.get(workload, {}).values())

    def forget(self, workload: str) -> None:
        """The workload is no more."""
        self.known.pop(workload, None)

    def passing(self, endpoint: str) -> int:
        """How many vWires that are up lead to or through an endpoint."""
        every = (wire for wires in self.known.values() for wire in wires.values())
        return sum(wire.state == UP and endpoint in (wire.endpoint, *wire.path) for wire in every)


@dataclass(frozen=True, slots=True)
class View:
    """What the supervisor knows; `path` says where a namespace is kept."""

    plan: Plan
    workloads: tuple[WorkloadPlan, ...]
    path: Callable[[str], Path]
    jobs: Mapping[str, Job]
    wires: Wires


def mesh_status(view: View, cost: Callable[[int], Cost]) -> Json:
    """The whole of it; `cost` is asked of each process."""
    view = replace(view, jobs=view.jobs or {one.who: Job(one) for one in view.plan.processes})
    shown = [job for job in view.jobs.values() if job.stage is not Stage.DONE or job.status != 0]
    processes = [_process(job, cost) for job in shown]
    endpoints = [_endpoint(one, view) for one in view.plan.endpoints]
    workloads = [workload_status(one, view) for one in view.workloads]
    parts = [part["state"] for part in (*processes, *endpoints, *workloads)]
    return {
        "mesh": view.plan.mesh,
        "state": worst(parts),
        "version": __version__,
        "domains": [
            {"name": one.name, "nodes": list(one.nodes), "registry": one.registry}
            for one in view.plan.domains
        ],
        "processes": processes,
        "endpoints": endpoints,
        "workloads": workloads,
    }


def workload_status(workload: WorkloadPlan, view: View) -> Json:
    """One workload and its vWires."""
    job = view.jobs.get(workload.name)
    connections = view.wires.of(workload.name)
    return {
        "name": workload.name,
        "domain": workload.domain,
        "node": workload.node,
        "netns": str(view.path(workload.name)),
        "pid": job.pid if job else None,
        "state": _state(job, [wire.state for wire in connections]),
        "connections": [msgspec.to_builtins(wire) for wire in connections],
    }


def _state(job: Job | None, wires: Sequence[str]) -> str:
    """A workload is as its worst vWire is, while its client is there to keep it."""
    if job is None or job.stage in LOST:
        return DOWN
    return worst(wires) if job.pid else CONNECTING


LOST = (Stage.HELD, Stage.DONE, Stage.PAUSING)


def worst(states: Sequence[str]) -> str:
    """The state of what has parts in these states."""
    return min(states, key=WORST.index, default=UP)


def _process(job: Job, cost: Callable[[int], Cost]) -> Json:
    spent = cost(job.pid) if job.pid else Cost()
    return {
        "name": job.who,
        "pid": job.pid,
        "rss_mb": spent.rss_mb,
        "cpu_s": spent.cpu_s,
        "state": SHOWN[job.stage],
        "restarts": job.restarts,
    }


def _endpoint(one: EndpointPlan, view: View) -> Json:
    job = view.jobs.get(one.name)
    return {
        "name": one.name,
        "domain": one.domain,
        "node": one.node,
        "services": list(one.services),
        "netns": str(view.path(one.name)),
        "pid": job.pid if job else None,
        "state": SHOWN[job.stage] if job else DOWN,
        "connections": view.wires.passing(one.name),
    }
