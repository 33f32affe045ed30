"""A mesh whose workload feels every death: of who is served by several, near and far, or by one."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import yaml

from .felt import Feeling
from .lab import Json, Lab, Mesh, eventually, run

NEAR, FAR, ONLY = "nsm-1", "nsm-2", "nsm-3"
"""The vWires of `web`, on n-1: to a service served twice there, or twice elsewhere, or once."""
UNDERLAY = "underlay@"


def serving(service: str, node: str, place: int) -> Json:
    return {
        "node": node,
        "serves": service,
        "run": "icmp-responder",
        "cidr": [f"172.16.{place}.0/24"],
    }


class Scene:
    """The mesh, and what `web` feels."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.web = Feeling(folder / "web", (NEAR, FAR, ONLY))
        services = zip(("near", "far", "only"), self.web.wires, strict=True)
        wants = [f"kernel://{service}/{wire}" for service, wire in services]
        world = {
            "nodes": ["n-1", "n-2", "n-3"],
            "endpoints": {
                "near-1": serving("near", "n-1", 1),
                "near-2": serving("near", "n-1", 2),
                "far-1": serving("far", "n-2", 3),
                "far-2": serving("far", "n-3", 4),
                "only": serving("only", "n-2", 5),
            },
            "workloads": {"web": {"node": "n-1", "wants": wants, "run": self.web.words}},
        }
        self.mesh = lab.up("promise", yaml.safe_dump(world, sort_keys=False))

    def wire(self, name: str) -> Json:
        """How the mesh says that a vWire of `web` is."""
        return self.mesh.wire("web", self.web.wires.index(name))

    def ends(self) -> list[str]:
        """Who serves each vWire."""
        return [wire["endpoint"] for wire in self.mesh.workload("web")["connections"]]

    def serves(self, name: str) -> str:
        """Who serves that one."""
        return self.ends()[self.web.wires.index(name)]

    def moved(self, name: str, off: str, within: float = 30.0) -> None:
        """Wait until it has another end."""
        eventually(lambda: self.serves(name) not in ("", None, off), within)

    def whole(self) -> None:
        """Everything is up, whatever was broken before."""
        for process in self.mesh.status()["processes"]:
            if process["state"] == "down":
                self.mesh.ok("restart", process["name"])
        self.mesh.ok("wait", "--timeout", "30s")
        self.web.answered(within=30)

    @contextmanager
    def killed(self, *whom: str, how: tuple[str, ...] = ()) -> Iterator[None]:
        """Dead while the block runs; at its end they are started again."""
        with ThreadPoolExecutor() as all_at_once:
            list(all_at_once.map(lambda who: self.mesh.ok("kill", who, *how), whom))
            try:
                yield
            finally:
                list(all_at_once.map(lambda who: self.mesh.ok("restart", who), whom))

    @contextmanager
    def stopped(self, *whom: str) -> Iterator[None]:
        """Stopped as by a debugger while the block runs."""
        processes = self.mesh.status()["processes"]
        pids = [one["pid"] for one in processes if _among(one["name"], whom)]
        assert len(pids) == len(whom)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def cut(self, node: str, how: str) -> Iterator[None]:
        """The node's cable is out, or a rule drops whatever comes or goes by it."""
        if how == "cable":
            where, port = UNDERLAY, self._port(node)
            begin, end = f"ip link set {port} down", f"ip link set {port} up"
        else:
            where, drop = node, "device underlay priority 0; policy drop;"
            hooks = (f"chain {hook} {{ type filter hook {hook} {drop} }};" for hook in HOOKS)
            begin, end = (
                f"nft 'table netdev cut {{ {' '.join(hooks)} }}'",
                "nft delete table netdev cut",
            )
        self._within(where, begin)
        try:
            yield
        finally:
            self._within(where, end)

    def _port(self, node: str) -> str:
        """The other end of its cable."""
        [own] = json.loads(self._within(node, "ip -j link show underlay"))
        there = json.loads(self._within(UNDERLAY, "ip -j link"))
        return next(one["ifname"] for one in there if one["ifindex"] == own["link_index"])

    def _within(self, where: str, command: str) -> str:
        netns = f"--net={self.mesh.root}/netns/{where}"
        ran = run("nsenter", netns, "--", "sh", "-ec", command)
        assert ran.code == 0, str(ran)
        return ran.out


def _among(process: str, whom: Sequence[str]) -> bool:
    """Whether it is one of these, be they named after their node or their domain."""
    program, _, where = process.partition("@")
    return process in whom or (where in whom and program == "node") or program in whom


HOOKS = ("ingress", "egress")


def restarted(mesh: Mesh, who: str) -> int:
    """How often its supervisor has started it again."""
    return int(mesh.process(who)["restarts"])
