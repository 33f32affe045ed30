"""Who is who by network namespace: same user, same program, other namespace, other identity."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process

import pytest

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="needs root"),
]

CHILD = """
import asyncio, os, sys
from nsm.sdk import Tasks
from nsm.workload.client import follow

async def main():
    found = os.stat("/proc/self/ns/net")
    print(f"inode://{found.st_dev}/{found.st_ino}", flush=True)
    sys.stdin.readline()
    tasks = Tasks()
    print((await follow(sys.argv[1], tasks, patience=20)).id, flush=True)
    await tasks.stop()

asyncio.run(main())
"""


async def child(url: str) -> tuple[Process, str]:
    process = await asyncio.create_subprocess_exec(
        "unshare", "--net", sys.executable, "-c", CHILD, url, stdin=PIPE, stdout=PIPE
    )
    return process, await line(process)


async def line(process: Process) -> str:
    assert process.stdout
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


async def test_whoever_runs_in_a_namespace_is_who_it_is_registered_for(agent) -> None:
    (web, web_netns), (db, db_netns) = await asyncio.gather(child(agent.url), child(agent.url))
    try:
        assert web_netns != db_netns
        agent.write(
            f"id: 'spiffe://test/web', netns: '{web_netns}'",
            f"id: 'spiffe://test/db', netns: '/proc/{db.pid}/ns/net'",
        )
        for process, id in ((web, "spiffe://test/web"), (db, "spiffe://test/db")):
            process.stdin.write(b"go\n")
            assert await line(process) == id
    finally:
        for process in (web, db):
            if process.returncode is None:
                process.kill()
            await process.wait()
