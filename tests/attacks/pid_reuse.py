"""A pid that was an attacker's and is now a member's; run as the first of a pid namespace."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import agency
import raw

from nsm.identity.caller import Caller

TRIES = 20


def reused(python: str, pid: int) -> subprocess.Popen[bytes]:
    """A process of the member's program, of that very pid."""
    for _ in range(TRIES):
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
        member = subprocess.Popen(
            [python, "-I", "-c", "input()"], stdin=subprocess.PIPE, env=agency.environment()
        )
        if member.pid == pid:
            return member
        member.communicate(b"\n")
    raise SystemExit(f"pid {pid} was not to be had")


async def main(folder: Path) -> dict[str, bool]:
    python = str(folder / "member")
    shutil.copy2(Path(sys.executable).resolve(), python)
    here = agency.Agency(folder)
    here.register(f"exe: {python}")
    found: dict[str, bool] = {}
    await here.server.start()
    with agency.caller(here.path, python=python) as (sock, _):
        found["the member itself is given its identity"] = await agency.given(sock)
    with agency.caller(here.path) as (sock, _):
        found["another program is given it"] = await agency.given(sock)
    for when in ("before it is accepted", "after it is accepted"):
        with agency.caller(here.path) as (sock, pid):
            sock = sock.dup()
            if when.startswith("after"):
                await asyncio.sleep(0.05)
        member = reused(python, pid)
        known = here.roster.matching(Caller.of(pid, 0, 0))
        found[f"by its pid alone it passes, {when}"] = bool(known)
        try:
            found[f"a reused pid is given it, {when}"] = await agency.given(sock)
        except raw.HungUp:
            found[f"a reused pid is given it, {when}"] = False
        member.communicate(b"\n")
    await here.server.close()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
