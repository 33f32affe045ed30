"""The status, as people see it."""

import pytest

from nsm.cli.status import agreed, show

WIRE = {
    "id": "web-0",
    "url": "kernel://s/nsm-1",
    "service": "s",
    "endpoint": "gw",
    "interface": "nsm-1",
    "mechanism": "KERNEL",
    "remote_mechanism": None,
    "src": [],
    "dst": [],
    "mtu": 1450,
    "path": [],
    "state": "up",
    "connect_ms": 6.1,
    "heals": 0,
    "error": None,
}


def shown(capsys: pytest.CaptureFixture[str], remote: str | None) -> str:
    wire = {**WIRE, "remote_mechanism": remote}
    workload = {"name": "web", "state": "up", "connections": [wire]}
    mesh = {"mesh": "lab", "state": "up", "processes": [], "endpoints": [], "workloads": [workload]}
    show(mesh)
    return capsys.readouterr().out


def test_a_tunnel_that_carries_payload_in_clear_is_marked_and_explained(capsys) -> None:
    out = shown(capsys, "VXLAN")
    assert "kernel/vxlan (clear)" in out
    assert "(clear): between nodes, what it carries is not encrypted" in out


@pytest.mark.parametrize("remote", [None, "WIREGUARD"])
def test_nothing_else_is(capsys, remote: str | None) -> None:
    assert "clear" not in shown(capsys, remote)


def test_programs_are_told_the_fields_of_the_contract_and_no_more() -> None:
    wire = {"id": "web-0", "heals": 1, "healed": {"died": "one"}}
    found = {"mesh": "lab", "workloads": [{"name": "web", "connections": [wire]}]}
    told = agreed(found)
    assert told == {
        "mesh": "lab",
        "workloads": [{"name": "web", "connections": [{"id": "web-0", "heals": 1}]}],
    }
    assert found["workloads"][0]["connections"][0] == wire, "what it was told from is as it was"
