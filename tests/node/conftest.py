"""What tests of real nodes stand on."""

import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.ours import MARK

from .site import ROLES, Site, ip


@pytest.fixture(scope="module")
def spaces() -> Iterator[dict[str, str]]:
    """Namespaces for two nodes, joined by a cable, and for those on them."""
    names = {role: f"nsm-{MARK}{secrets.token_hex(2)}-{role}" for role in ROLES}
    try:
        for name in names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        one, two = names["one"], names["two"]
        ip("-n", one, "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", two)
        for name, address in ((one, "10.99.0.1/24"), (two, "10.99.0.2/24")):
            ip("-n", name, "address", "add", address, "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
async def site(launch, tmp_path: Path, spaces: dict[str, str]) -> AsyncIterator[Site]:
    site = Site(launch, tmp_path, spaces)
    who = "".join(
        f"- {{id: spiffe://test/{role}, netns: /run/netns/{name}}}\n"
        for role, name in spaces.items()
    )
    (tmp_path / "entries.yaml").write_text(f"entries:\n{who}")
    return site
