"""What is attached: things that run anyway, and are given a vWire by a client of their own."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nsm.api.mechanism import KERNEL
from nsm.api.names import NsUrl, split
from nsm.dataplane.netns import Netns
from nsm.errors import Invalid, NotFound
from nsm.world import procfs
from nsm.world.ground import MARKER, Home
from nsm.world.plan import Plan, Process, WorkloadPlan
from nsm.world.programs import OurProgram
from nsm.world.spec import Want

CONTAINER = re.compile(r"[0-9a-f]{8,64}")
NAMED = Path("/run/netns")
COMMON = frozenset(
    {"NSM_MESH", MARKER, "NSM_STATUS_SOCKET", "SPIFFE_ENDPOINT_SOCKET"}
    | {"NODE_NAME", "CLUSTER_NAME", "PATH", "HOME", "LANG"}
)


@dataclass(frozen=True, slots=True)
class Target:
    """A namespace that is somebody else's: as it was asked for, and the file that leads to it."""

    asked: str
    path: str
    key: tuple[int, int]

    @property
    def there(self) -> bool:
        """Whether it is still what it was."""
        return key_of(self.path) == self.key


def find_target(asked: str) -> Target:
    """A pid, a namespace's name or path, or the id of a container; Invalid for another file."""
    for path in _places(asked):
        if (key := key_of(path)) is not None:
            Netns.open(path).close()
            return Target(asked, path, key)
    raise NotFound(
        f"nothing that runs is known as {asked[:80]!r}",
        fix="give a pid, a name from `ip netns`, a path of a namespace, or a container's id",
    )


def _places(asked: str) -> Iterator[str]:
    if asked.isdecimal():
        yield f"/proc/{int(asked)}/ns/net"
    if "/" in asked:
        yield asked
    elif asked not in ("", ".", ".."):
        yield str(NAMED / asked)
    if CONTAINER.fullmatch(asked):
        yield from (f"/proc/{pid}/ns/net" for pid in _in_container(asked))


def _in_container(id: str) -> Iterator[int]:
    """The processes of a container, by the id that its engine names their control group after."""
    for pid in sorted(procfs.pids()):
        with suppress(OSError):
            if id in Path(f"/proc/{pid}/cgroup").read_text():
                yield pid


def key_of(path: str) -> tuple[int, int] | None:
    """What the namespace behind a path is known by; None where there is none."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def wants(urls: list[str]) -> tuple[Want, ...]:
    """What is asked for; Invalid where an NS-URL is wrong."""
    found = []
    for text in urls:
        url = NsUrl.parse(text, (KERNEL,))
        if "," in text:
            raise Invalid(f"{text[:80]!r} has a comma in it", fix="write %2C")
        found.append(Want(text, *split(url.service), url.interface))
    if not found:
        raise Invalid("no NS-URL", fix="name a service, such as kernel://my-service/nsm-1")
    return tuple(found)


def together(has: tuple[Want, ...], more: tuple[Want, ...]) -> tuple[Want, ...]:
    """Each thing wanted once; Invalid where two would have the same interface."""
    found = {want.text: want for want in (*has, *more)}
    taken: dict[str, str] = {}
    for text, want in found.items():
        other = taken.setdefault(want.interface, text) if want.interface else text
        if other != text:
            cause = f"{other[:80]} has the interface {want.interface!r} already"
            raise Invalid(cause, fix=f"name another in {text[:80]}, or detach the first")
    return tuple(found.values())


def client(plan: Plan, home: Home, workload: WorkloadPlan) -> Process:
    """The client that keeps a guest's vWires, beside the node's own programs."""
    node = next(one for one in plan.processes if one.who == f"node@{workload.node}")
    manager = node.environ["NSM_LISTEN_ON"].split(",")[0]
    common = {name: node.environ[name] for name in COMMON & node.environ.keys()}
    environ = {
        **common,
        "NSM_INVENTORY_SOCKET": str(home.inventory(workload.name)),
        "NSM_NAME": workload.name,
        "NSM_CONNECT_TO": manager,
        "NSM_NETWORK_SERVICES": ",".join(want.text for want in workload.wants),
        "POD_NAME": workload.name,
    }
    return Process(
        who=workload.name,
        name=workload.name,
        kind="client",
        namespace=workload.name,
        launch=OurProgram("client"),
        environ=environ,
        after=(node.who,),
    )
