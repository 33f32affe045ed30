"""An identity goes to whom it is registered for, whatever anybody else does to look like that."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nsm.components.identity.config import Config
from nsm.components.identity.program import run
from nsm.config import load
from nsm.errors import Invalid, Unauthenticated
from nsm.sdk import Tasks
from nsm.workload.client import follow

from .agency import FETCH, Agency, caller, given, own
from .raw import Mouth, Wire

pytestmark = [
    pytest.mark.attacks,
    pytest.mark.linux,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: calls as other users"),
]

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others can look into, unlike pytest's."""
    made = Path(tempfile.mkdtemp(prefix="nsm-attacks-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def agency(folder: Path) -> AsyncIterator[Agency]:
    made = Agency(folder)
    await made.server.start()
    yield made
    await made.server.close()


async def test_another_user_is_given_nothing(agency: Agency) -> None:
    agency.register(f"uid: {os.getuid()}")
    assert await given(own(agency.path))
    with caller(agency.path, user=NOBODY) as (sock, _):
        assert not await given(sock)
    agency.register(f"uid: {NOBODY}")
    with caller(agency.path, user=NOBODY) as (sock, _):
        assert await given(sock)
    assert not await given(own(agency.path))


async def test_another_namespace_is_given_nothing(agency: Agency) -> None:
    agency.register("netns: /proc/self/ns/net")
    assert await given(own(agency.path))
    with caller(agency.path, within=["unshare", "--net"]) as (sock, pid):
        assert not await given(sock)
    with caller(agency.path, within=["unshare", "--net"]) as (sock, pid):
        agency.register(f"netns: /proc/{pid}/ns/net")
        assert await given(sock)
        assert not await given(own(agency.path))


async def test_a_call_without_the_header_is_given_nothing(agency: Agency) -> None:
    """Whoever can only be made to call somewhere (SSRF) cannot set it."""
    agency.register(f"uid: {os.getuid()}")
    async with Mouth(Wire(own(agency.path))) as mouth:
        for header in ([], [("workload.spiffe.io", "false")], [("workload.spiffe.io", "true")] * 2):
            assert (await mouth.ask(FETCH, b"", header)).status == 3
    assert await given(own(agency.path))


def test_a_pid_used_again_is_nobody_s(folder: Path) -> None:
    words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable]
    script = Path(__file__).with_name("pid_reuse.py")
    done = subprocess.run([*words, script, folder], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found.pop("the member itself is given its identity")
    for when in ("before", "after"):
        assert found.pop(f"by its pid alone it passes, {when} it is accepted")
    assert found
    assert not any(found.values()), found


async def test_no_authority_serves_where_everybody_could_take_its_place(folder: Path) -> None:
    (folder / "entries.yaml").write_text("entries: []")
    for mode, works in ((0o777, False), (0o755, True)):
        folder.chmod(mode)
        said = {
            "NSM_LISTEN_ON": f"unix://{folder}/agent.sock",
            "NSM_ENTRIES": f"{folder}/entries.yaml",
            "NSM_TRUST_DOMAIN": "test",
            "NSM_STORE": "",
        }
        stopping = asyncio.Event()
        running = run(load(Config, said), stopping, stopping.set)
        if works:
            await running
        else:
            with pytest.raises(Invalid, match="open to all"):
                await running
        assert not (folder / "agent.sock").exists()


async def test_no_program_takes_its_identity_where_everybody_could_give_one(
    agency: Agency, folder: Path
) -> None:
    """A socket put, or linked, in the agent's place would be an authority to believe."""
    agency.register(f"uid: {os.getuid()}")
    url, tasks = f"unix://{agency.path}", Tasks()
    assert (await follow(url, tasks, patience=5)).id == "spiffe://test/0"
    open_to_all = folder / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (open_to_all / "agent.sock").symlink_to(agency.path)
    sticky = folder / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    (sticky / "agent.sock").symlink_to(agency.path)
    assert (await follow(f"unix://{sticky}/agent.sock", tasks, patience=5)).id
    os.lchown(sticky / "agent.sock", NOBODY, NOBODY)
    for place in (open_to_all, sticky):
        with pytest.raises((Invalid, Unauthenticated), match="open to all"):
            await follow(f"unix://{place}/agent.sock", tasks, patience=0.3)
    await tasks.stop()


async def test_a_symlink_in_the_socket_s_place_is_not_followed(folder: Path) -> None:
    victim = folder / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    made = Agency(folder)
    made.path.symlink_to(victim)
    with pytest.raises(Invalid, match="no socket"):
        await made.server.start()
    made.path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "other.sock"))
        made.path.symlink_to(folder / "other.sock")
        with pytest.raises(Invalid, match="no socket"):
            await made.server.start()
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o600)
    assert made.path.is_symlink()
    made.path.unlink()
    await made.server.start()
    await made.server.close()
