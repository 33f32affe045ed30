"""Where a world lives, and where it can never be made to live."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from nsm.errors import Invalid
from nsm.world.ground import MAX_NODES, MAX_PODS, PODS4, UNDERLAY6, Home, pod_address, pod_prefixes


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../etc", "a/b", "/", "/etc", "-a", "a.b", "A", "a b", "a\n", "a\0", "x" * 25],
)
def test_a_name_that_is_none_leads_to_no_folder(name: str) -> None:
    with pytest.raises(Invalid, match="is no name of a mesh"):
        Home(name, Path("/run/nsm"))


@pytest.mark.parametrize("name", ["a", "1", "two-nodes", "x" * 24])
def test_a_mesh_lives_in_one_folder_below_the_base(name: str) -> None:
    assert Home(name, Path("/run/nsm")).root == Path("/run/nsm") / name


def test_every_pod_of_every_node_has_addresses_of_its_own_node() -> None:
    for node in (1, MAX_NODES):
        v4, v6 = pod_prefixes(node)
        for number in (1, MAX_PODS):
            address = pod_address(node, number)
            assert address.v4.ip in v4
            assert address.v6.ip in v6
        assert v4.subnet_of(PODS4)
        assert v6.subnet_of(ip_network(UNDERLAY6))
