"""Namespaces with a name, on the real kernel."""

import socket
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from nsm.dataplane import named
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import LinkEnd
from nsm.errors import Invalid, NotFound

from .conftest import pings, tell

pytestmark = pytest.mark.linux


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


@pytest.fixture
async def path(tmp_path):
    yield tmp_path / "netns" / "web"
    await named.remove(tmp_path / "netns" / "web")


async def test_a_namespace_is_made_and_removed(path) -> None:
    here = Netns.current()
    made = await named.create(path)
    assert made == Netns.open(str(path))
    assert made != here
    assert Netns.current() == here
    assert await pings(made, "127.0.0.1")
    await named.remove(path)
    await named.remove(path)
    assert not path.exists()
    assert str(path) not in mounts()


async def test_a_name_is_for_one_namespace(path) -> None:
    await named.create(path)
    with pytest.raises(Invalid, match="already"):
        await named.create(path)


async def test_a_file_that_a_crash_left_is_taken(path) -> None:
    path.parent.mkdir()
    path.touch()
    assert await named.create(path)


async def test_a_file_of_somebody_is_not_taken(path) -> None:
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(Invalid):
        await named.create(path)
    assert path.read_text() == "mine"


async def test_a_socket_made_inside_stays_there(path) -> None:
    await named.create(path)

    def listen() -> socket.socket:
        return socket.create_server(("127.0.0.1", 7))

    with await named.inside(path, listen) as listener:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(listener.getsockname(), timeout=1)

        def connect() -> str:
            with socket.create_connection(listener.getsockname(), timeout=1):
                return "there"

        assert await named.inside(path, connect) == "there"


async def test_settings_of_the_kernel_are_the_namespaces_own(path) -> None:
    made = await named.create(path)
    await named.set_kernel(path, ipv4__ip_forward="1")
    assert (await tell(made, "cat", "/proc/sys/net/ipv4/ip_forward")).out == "1\n"


async def test_a_namespace_that_is_gone_is_not_found(path) -> None:
    with pytest.raises(NotFound):
        await named.inside(path, lambda: None)


async def test_two_workloads_on_a_bridge_reach_each_other_and_have_a_way_out(
    kernel, spaces
) -> None:
    middle, a, b = spaces(), spaces(), spaces()
    await named.bridge(kernel, LinkEnd(middle, "br0"), ip_interface("100.64.0.1/24"))
    for number, netns in enumerate((a, b), 2):
        await named.plug(
            kernel,
            LinkEnd(netns, "eth0"),
            LinkEnd(middle, f"port{number}"),
            "br0",
            [ip_interface(f"100.64.0.{number}/24"), ip_interface(f"fd00::{number}/64")],
            [ip_address("100.64.0.1")],
        )
    assert await pings(a, "100.64.0.3")
    assert await pings(b, "fd00::2")
    assert "default via 100.64.0.1" in (await tell(a, "ip", "route")).out
