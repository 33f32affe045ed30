"""Without privileges everything says so, and what would help."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.linux

SCRIPT = """
import asyncio, os
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.named import create
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddBridge, LinkEnd
from nsm.dataplane.probe import Probe
from nsm.errors import NsmError

async def main():
    kernel = Kernel()
    here = Netns.current()
    host = await Probe().ask()
    assert not host.mechanisms
    asked = (
        lambda: kernel.apply(AddBridge(LinkEnd(here, "br0"))),
        lambda: kernel.links(here),
        lambda: asyncio.to_thread(host.require, "KERNEL"),
        lambda: asyncio.to_thread(Netns.open, "/proc/1/ns/net"),
        lambda: create(os.environ["PLACE"]),
    )
    for ask in asked:
        try:
            await ask()
        except NsmError as error:
            assert "CAP_SYS_ADMIN" in error.fix, error
        else:
            raise AssertionError("was allowed")
    await kernel.close()

os.setgid(65534)
os.setuid(65534)
asyncio.run(main())
print("said so")
"""


@pytest.fixture
def anyones() -> Iterator[Path]:
    """A folder where anyone may write."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


async def test_what_is_not_allowed_is_said(anyones) -> None:
    script = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        env={**os.environ, "PLACE": str(anyones / "web")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(script.communicate(), 20)
    assert out == b"said so\n", err.decode()
    assert list(anyones.iterdir()) == []
