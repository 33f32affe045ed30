"""What can be attached, and how it is found."""

import os
from pathlib import Path

import pytest

from nsm.errors import Invalid, NotFound
from nsm.world.ground import MARKER, Home
from nsm.world.guests import client, find_target, together, wants
from nsm.world.plan import WorkloadPlan
from nsm.world.planning import plan
from nsm.world.spec_read import read

OWN = Path("/proc/self/ns/net")


@pytest.mark.parametrize("asked", [str(os.getpid()), str(OWN)], ids=["a pid", "a path"])
def test_a_pid_or_a_path_leads_to_a_namespace(asked: str) -> None:
    found = find_target(asked)
    assert found.key == (OWN.stat().st_dev, OWN.stat().st_ino)
    assert found.there


@pytest.mark.parametrize(
    "asked", ["", ".", "..", "no-such-name", "4194305", "/no/such/path", "0" * 64]
)
def test_what_is_not_there_is_said(asked: str) -> None:
    with pytest.raises(NotFound, match="nothing that runs is known as"):
        find_target(asked)


@pytest.mark.parametrize("asked", ["/etc/passwd", "/", "/dev/null", "/proc/self/ns/pid"])
def test_a_file_that_is_no_namespace_is_refused(asked: str) -> None:
    with pytest.raises(Invalid, match="not a network namespace"):
        find_target(asked)


def test_what_is_wanted_is_checked() -> None:
    (want,) = wants(["kernel://s@far/nsm-1?a=b"])
    assert (want.service, want.domain, want.interface) == ("s", "far", "nsm-1")
    for wrong in ([], ["s"], ["kernel://s?a=b,c"], ["vfio://s"]):
        with pytest.raises(Invalid):
            wants(wrong)


def test_what_is_wanted_twice_is_wanted_once() -> None:
    first, second = wants(["kernel://s/nsm-1"]), wants(["kernel://s/nsm-1", "kernel://t"])
    assert together(first, second) == (*first, second[1])
    assert together(first, first) == first


@pytest.mark.parametrize("more", [["kernel://t/nsm-1"], ["kernel://s/nsm-1?a=b"]])
def test_an_interface_is_given_once(more: list[str]) -> None:
    with pytest.raises(Invalid, match="has the interface 'nsm-1' already"):
        together(wants(["kernel://s/nsm-1"]), wants(more))


def test_a_guests_client_belongs_to_its_node() -> None:
    home = Home("lab", Path("/x"))
    made = plan(read("nodes: [a, b]", Path("lab.yaml")), home, Path("/"), {})
    guest = WorkloadPlan(name="attach-1", domain="lab", node="b", wants=wants(["kernel://s"]))
    process = client(made, home, guest)
    assert process.environ["NSM_CONNECT_TO"] == "unix:///x/lab/run/node@b/nsm.io.sock"
    assert process.environ["NSM_NAME"] == process.environ["POD_NAME"] == "attach-1"
    assert process.environ["NODE_NAME"] == "b"
    assert process.environ[MARKER] == "/x/lab"
    assert process.environ["NSM_INVENTORY_SOCKET"] == "/x/lab/run/attach-1/holds.sock"
    assert "NSM_LISTEN_ON" not in process.environ
