"""Of each kind one leftover is planted, and the audit says so; before that it finds nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .lab import Json, Lab, Mesh, eventually, started, traces

pytestmark = [pytest.mark.linux, pytest.mark.world]

WORLD = """
nodes: [n-1, n-2]
services:
  safe:
    matches:
      - {source_selector: {app: wall}, routes: [{destination_selector: {app: end}}]}
      - {routes: [{destination_selector: {app: wall}}]}
endpoints:
  wall: {node: n-1, serves: safe, run: firewall, labels: {app: wall}}
  end: {node: n-2, serves: safe, run: icmp-responder, labels: {app: end}, cidr: [172.16.3.0/24]}
  near: {node: n-1, serves: near, run: leaky.py, cidr: [172.16.1.0/24]}
workloads:
  web: {node: n-1, wants: kernel://near/nsm-1}
  shop: {node: n-1, wants: kernel://safe/nsm-1}
"""

LEAKY = '''
"""An endpoint that keeps what it should let go of, once the file `leak` is beside it."""

import asyncio, gc, os, socket
from dataclasses import dataclass
from pathlib import Path

from nsm.api.connection import Connection, Path as Hops, Segment
from nsm.api.timestamp import Timestamp
from nsm.endpoint import Element, serve
from nsm.pools import AddressPool
from nsm.sdk.events import Events
from nsm.sdk.lives import Lives

KEPT = []
HERE = Path(__file__).parent


@dataclass
class Over:
    key: str = "over"
    current: bool = False

    def ring(self):
        pass


def one(kind):
    return next(each for each in gc.get_objects() if isinstance(each, kind))


async def leak():
    while not (HERE / "leak").exists():
        await asyncio.sleep(0.05)
    KEPT.append(asyncio.create_task(asyncio.sleep(1000), name="heal nobody-0"))
    KEPT.append(asyncio.get_running_loop().call_later(1000, Over().ring))
    KEPT.append(socket.socket())
    KEPT.append(open(HERE / "kept", "w"))
    KEPT.append(os.pipe())
    KEPT.append(os.open(os.environ["NSM_WORLD"] + "/netns/shop", os.O_RDONLY))
    KEPT.append(open(HERE / "gone", "w"))
    (HERE / "gone").unlink()
    one(AddressPool).take()
    one(Lives).lived["nobody-1"] = object()
    hops = (Segment("x", "nobody-2", expires=Timestamp(1)), Segment("near", "nobody-3"))
    one(Events).publish(Connection("nobody-3", path=Hops(1, hops)))


class Leak(Element):
    async def request(self, call, request, next):
        if not KEPT:
            KEPT.append(asyncio.create_task(leak(), name="leak"))
        return await next.request(call, request)


serve(Leak())
'''


@pytest.fixture(scope="module")
def mesh(lab: Lab) -> Mesh:
    (lab.folder / "leaky.py").write_text(LEAKY)
    mesh = lab.up("audit", WORLD)
    ran = mesh("audit", "-o", "json")
    assert ran.code == 0, ran
    assert ran.json["leftovers"] == []
    mesh.planted = True
    return mesh


def audited(mesh: Mesh) -> list[Json]:
    """What is left over just now."""
    ran = mesh("audit", "--timeout", "0s", "-o", "json")
    assert ran.code == int(bool(ran.json["leftovers"]))
    found: list[Json] = ran.json["leftovers"]
    return found


def says(mesh: Mesh, kind: str, what: str, where: str) -> Callable[[], bool]:
    """Whether it names that one leftover, whose it is, and what removes it."""

    def said() -> bool:
        return any(
            (one["kind"], one["where"]) == (kind, where)
            and what in one["what"]
            and one["whose"]
            and one["fix"]
            for one in audited(mesh)
        )

    return said


PLANTED = {
    "interface": ("web", "ip link add stray type bridge", "stray"),
    "address": ("web", "ip addr add 10.9.9.9/32 dev nsm-1", "10.9.9.9/32"),
    "route": ("web", "ip route add 10.98.0.0/16 dev nsm-1 proto static", "10.98.0.0/16"),
    "rule": ("web", "ip rule add pref 30000 table 77", "table 77"),
    "neighbour": (
        "web",
        "ip neigh add 172.16.9.9 lladdr 02:00:00:00:00:09 dev nsm-1 nud permanent",
        "172.16.9.9",
    ),
    "nft table": ("wall", "nft add table netdev nsm_stray", "nsm_stray"),
    "missing neighbour": ("web", "ip neigh del 172.16.1.0 dev nsm-1", "172.16.1.0"),
}


def test_a_story_that_leaves_something_would_be_told_of_it(mesh: Mesh) -> None:
    assert mesh.exec("shop", "ip", "link", "add", "planted", "type", "bridge").code == 0
    mesh.planted = False
    found = mesh.leftovers(within="0s")
    mesh.planted = True
    assert "planted" in str(found)
    assert mesh.exec("shop", "ip", "link", "del", "planted").code == 0
    assert "planted" not in str(audited(mesh))


def test_what_is_there_after_down_would_be_told(lab: Lab) -> None:
    mesh = lab.draft("left", WORLD)
    assert traces(mesh) == []
    (mesh.root / "netns").mkdir(parents=True)
    with started("env", f"NSM_WORLD={mesh.root}", "sleep", "100") as left:
        eventually(lambda: len(traces(mesh)) == 2)
        assert any(f"process {left.pid} " in one for one in traces(mesh))
    (mesh.root / "netns").rmdir()
    mesh.root.rmdir()


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_wrong_in_the_kernel_is_said(mesh: Mesh, kind: str) -> None:
    where, command, what = PLANTED[kind]
    assert not says(mesh, kind, what, where)()
    ran = mesh.exec(where, *command.split())
    assert ran.code == 0, ran
    assert says(mesh, kind, what, where)()


INSIDE = {
    "task": "heal nobody-0",
    "timer": "over",
    "life": "nobody-1",
    "address": "handed out for nobody",
    "connection": "nobody-3",
}


def test_what_a_program_keeps_for_nobody_is_said(mesh: Mesh, lab: Lab) -> None:
    before = audited(mesh)
    (lab.folder / "leak").touch()
    for kind, what in INSIDE.items():
        assert not any(one["kind"] == kind and what in one["what"] for one in before)
        eventually(says(mesh, kind, what, "near"))
    assert says(mesh, "descriptor", "1 sockets", "near")()
    assert says(mesh, "descriptor", "gone (deleted)", "near")()
    assert says(mesh, "descriptor", f"{lab.folder}/kept, which was not open", "near")()
    assert says(mesh, "descriptor", "pipe:[", "near")()
    assert says(mesh, "descriptor", "the namespace of shop", "near")()


def test_what_lies_about_on_the_host_is_said(mesh: Mesh) -> None:
    stray, space = mesh.root / "run/web/stray", mesh.root / "netns/stray"
    stray.touch()
    space.touch()
    assert says(mesh, "file", "run/web/stray", mesh.name)()
    assert says(mesh, "namespace", "netns/stray", mesh.name)()
    space.unlink()
    ran = mesh.exec("web", "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!")
    assert says(mesh, "process", "sleep 1000", mesh.name)()
    assert Path("/proc", ran.out.strip()).exists(), "it is only said, not ended"


def test_a_vni_that_no_tunnel_has_is_said(mesh: Mesh) -> None:
    """What its connection is still for waits for that: the tunnel is made again, or it ends."""
    mesh.ok("kill", "shop", "-s", "STOP")  # nobody is to mend it
    tunnel = mesh.exec("end", "ip", "-j", "link", "show", "type", "vxlan").json[0]["ifname"]
    assert not vnis(mesh)
    assert mesh.exec("end", "ip", "link", "del", tunnel).code == 0
    assert [one["where"] for one in vnis(mesh)] == ["node@n-2"]
    mesh.ok("kill", "shop", "-s", "CONT")


def vnis(mesh: Mesh) -> list[Json]:
    """Those held for nothing, now or for a while."""
    found = mesh("audit", "--timeout", "0s", "-o", "json").json
    return [one for one in (*found["leftovers"], *found["waiting"]) if one["kind"] == "VNI"]


def test_what_the_dead_leave_waits_for_its_time_to_be_up(mesh: Mesh) -> None:
    mesh.ok("kill", "end")
    ran = mesh("audit", "--timeout", "0s", "-o", "json")
    assert any(
        one["kind"] == "registry entry" and "end" in one["what"] for one in ran.json["waiting"]
    )
    assert not any(one["kind"] == "registry entry" for one in ran.json["leftovers"])
    mesh.ok("restart", "end")
