"""The data plane does not need us: whoever is killed, not a packet is lost, and all is adopted."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import pytest
import yaml

from nsm.dataplane.ledger import NodeKey, Tag

from .felt import Feeling, stands, unharmed
from .lab import Lab, Mesh, eventually

pytestmark = [pytest.mark.linux, pytest.mark.world]

WIRES = ("nsm-1", "nsm-2")
CONTROL = ("registry", "identity", "n-1", "n-2", "web")
"""Registry, authority, manager and forwarder of both nodes, client."""
RULE = "from 192.0.2.7 lookup 77 priority 4077"
TABLE = "table inet theirs { chain kept { counter; }; }"
LONG_AGO, FAR_AHEAD = 1_000_000_000, 32_000_000_000


@dataclass
class Scene:
    """A mesh with a vWire on one node and one to another, and what is felt of it."""

    mesh: Mesh
    web: Feeling

    def crash(self, *whom: str) -> None:
        """Kill programs as crashes do, all at once, and wait until they are back and whole."""
        processes = self.mesh.status()["processes"]
        named = {who: next(p for p in processes if _is(p["name"], who)) for who in whom}
        for process in named.values():
            os.kill(process["pid"], signal.SIGKILL)
        eventually(lambda: self._are_back({p["name"]: p["pid"] for p in named.values()}), 30)
        self.mesh.ok("wait", "--timeout", "30s")

    def _are_back(self, before: dict[str, int]) -> bool:
        now = {p["name"]: p for p in self.mesh.status()["processes"]}
        again = (now[name] for name, pid in before.items() if now[name]["pid"] not in (pid, None))
        return [one["state"] for one in again] == ["up"] * len(before)

    def kept(self) -> list[object]:
        """What must be the same afterwards."""
        wires = [self.mesh.wire("web", number) for number in range(len(WIRES))]
        told = [(wire["endpoint"], wire["src"], wire["dst"]) for wire in wires]
        return [*told, *stands(self.mesh, "web", *WIRES)]


def _is(name: str, who: str) -> bool:
    return name in (who, f"node@{who}") or name.startswith(f"{who}@")


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    web = Feeling(tmp_path_factory.mktemp("felt") / "web", WIRES)
    services = zip(("near", "far"), WIRES, strict=True)
    wants = [f"kernel://{service}/{wire}" for service, wire in services]
    world = {
        "nodes": ["n-1", "n-2"],
        "endpoints": {
            "near": serving("near", "n-1", "172.16.1.0/24"),
            "far": serving("far", "n-2", "172.16.2.0/24"),
        },
        "workloads": {"web": {"node": "n-1", "wants": wants, "run": web.words}},
    }
    return Scene(lab.up("data", yaml.safe_dump(world, sort_keys=False)), web)


def serving(service: str, node: str, cidr: str) -> dict[str, object]:
    return {"node": node, "serves": service, "run": "icmp-responder", "cidr": [cidr]}


def crashes_unfelt(scene: Scene, whom: Sequence[str]) -> None:
    before = scene.kept()
    with scene.web.during() as felt:
        scene.crash(*whom)
    assert [wire for wire in WIRES if not unharmed(felt[wire])] == [], felt
    assert scene.kept() == before


def test_when_all_that_controls_is_killed_at_once_nothing_is_felt(scene: Scene) -> None:
    crashes_unfelt(scene, CONTROL)


@pytest.mark.slow
@pytest.mark.parametrize("who", CONTROL)
def test_when_one_is_killed_nothing_is_felt(scene: Scene, who: str) -> None:
    crashes_unfelt(scene, [who])


@pytest.mark.slow
@pytest.mark.parametrize("who", ["near", "far"])
def test_when_an_endpoint_is_killed_that_nobody_replaces_nothing_is_felt(
    scene: Scene, who: str
) -> None:
    crashes_unfelt(scene, [who])


def test_a_restarted_forwarder_collects_what_expired_and_touches_nothing_else(
    scene: Scene,
) -> None:
    """Beside vWires it finds what it made for nobody, expired and not, and what others made."""
    mesh = scene.mesh
    mesh.planted = True
    own = NodeKey.kept_in(next(Path(mesh.root).rglob("node@n-1/**/node.key")))
    plant = {
        "expired": own.alias(Tag.of("nobody", "client", expires=LONG_AGO)),
        "good": own.alias(Tag.of("nobody-yet", "client", expires=FAR_AHEAD)),
        "foreign": NodeKey(bytes(32)).alias(Tag.of("nobody", "client", expires=LONG_AGO)),
        "theirs": "somebody else's",
    }
    before = scene.kept()
    within(mesh, *(f"ip link add {name} type bridge" for name in plant))
    within(mesh, *(f"ip link set {name} alias {quote(said)}" for name, said in plant.items()))
    within(mesh, f"ip rule add {RULE}", f"nft '{TABLE}'")
    try:
        with scene.web.during() as felt:
            scene.crash("n-1")
            eventually(lambda: "expired:" not in within(mesh, "ip link"), 30)
        assert all(unharmed(felt[wire]) for wire in WIRES), felt
        assert scene.kept() == before
        left = within(mesh, "ip link", "ip rule", "nft list ruleset")
        for one in ("good:", "foreign:", "theirs:", "192.0.2.7", "chain kept"):
            assert one in left
    finally:
        others = [f"ip link del {name}" for name in plant if name != "expired"]
        within(mesh, *others, f"ip rule del {RULE}", "nft delete table inet theirs")
        mesh.planted = False


def within(mesh: Mesh, *commands: str) -> str:
    """Run commands where the workload is; what they print."""
    ran = mesh.exec("web", "sh", "-ec", "\n".join(commands))
    assert ran.code == 0, str(ran)
    return ran.out
