"""Several meshes at once, each for itself, and which one is meant."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .lab import EXAMPLES, Lab, Mesh, nsm

pytestmark = [pytest.mark.linux, pytest.mark.world]


@pytest.fixture(scope="module")
def three(lab: Lab) -> list[Mesh]:
    """The same world three times, brought up at the same time."""
    text = (EXAMPLES / "two-nodes.yaml").read_text()
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda number: lab.up(f"side{number}", text), range(3)))


def test_each_stands_for_itself(three: list[Mesh]) -> None:
    assert [mesh.status()["mesh"] for mesh in three] == [mesh.name for mesh in three]
    assert all(mesh.pings("far", "icmp-responder") for mesh in three)


def test_the_same_names_are_different_namespaces(three: list[Mesh]) -> None:
    inside = {mesh.exec("far", "readlink", "/proc/self/ns/net").out for mesh in three}
    assert len(inside) == 3


def test_all_are_listed(three: list[Mesh]) -> None:
    listed = {one["name"]: one for one in nsm("list", "-o", "json").json}
    assert {mesh.name for mesh in three} <= listed.keys()
    assert all(listed[mesh.name]["state"] == "up" for mesh in three)


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "down",
        "wait",
        "ping far x",
        "exec far -- true",
        "logs far",
        "kill far",
        "detach 1",
    ],
)
def test_without_a_name_it_is_asked_which_one_is_meant(three: list[Mesh], words: str) -> None:
    ran = nsm(*words.split())
    assert ran.code not in (0, 2)
    assert "-m" in ran.err
    assert three[0].name in ran.err


def test_one_may_go_and_the_others_stay(three: list[Mesh]) -> None:
    gone = three.pop()
    assert nsm("down", gone.name).code == 0
    assert not gone.root.exists()
    assert all(mesh.pings("near", "icmp-responder") for mesh in three)
    assert nsm("status", gone.name).code == 1


def test_a_name_in_the_file_is_the_meshs(lab: Lab) -> None:
    mesh = lab.draft("named", "")
    other = Mesh(mesh.file.with_name(f"{mesh.name}-x.yaml"))
    lab.meshes.append(other)
    mesh.file.write_text(f"name: {other.name}\nnodes: [n-1]\n")
    assert nsm("up", str(mesh.file), "-d").code == 0
    assert other.status()["mesh"] == other.name
    assert not mesh.root.exists()


def test_two_who_start_the_same_mesh_do_not_both_succeed(lab: Lab) -> None:
    mesh = lab.draft("race", "nodes: [n-1]\n")
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda _: nsm("up", str(mesh.file), "-d"), range(2)))
    assert sorted(one.code for one in ran) == [0, 1]
    assert mesh("status").code == 0
