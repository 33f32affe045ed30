"""An authority to attack on its own socket, and callers of all kinds."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nsm.identity.authority import Authority
from nsm.identity.roster import Roster
from nsm.rpc.plain import PlainServer
from nsm.sdk import Clock
from nsm.workload.server import WorkloadApi

try:
    from .raw import Answer, Mouth, Wire
except ImportError:  # run by itself, in a pid namespace
    from raw import Answer, Mouth, Wire

FETCH = "/SpiffeWorkloadAPI/FetchX509SVID"
ASKED = [("workload.spiffe.io", "true"), ("grpc-timeout", "5S")]
CALLER = str(Path(__file__).with_name("sent_over.py"))
Words = Sequence[str | Path]


class Agency:
    """Serves the Workload API of `test` in `folder`, to whom `register` names."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "agent.sock"
        self.entries = folder / "entries.yaml"
        self.authority = Authority("test", Clock())
        self.roster = Roster(self.entries, "test", self.authority.changes)
        api = WorkloadApi(self.authority, self.roster, Clock())
        self.server = PlainServer(str(self.path), api.methods)

    def register(self, *selectors: str) -> None:
        """Replace all entries: each has an id, and what its holder is known by."""
        lines = [f"- {{id: spiffe://test/{n}, {text}}}" for n, text in enumerate(selectors)]
        new = self.entries.with_suffix(".new")
        new.write_text("\n".join(["entries:", *lines]))
        new.replace(self.entries)


async def first_answer(sock: socket.socket) -> Answer:
    """What whoever connected this socket is given, or how it is refused."""
    async with Mouth(Wire(sock)) as mouth:
        number = await mouth.begin(FETCH, b"", ASKED)
        while number not in mouth.ended and not mouth.answers[number].data:
            await mouth.turn()
        return mouth.answers[number]


def own(path: Path) -> socket.socket:
    """A connection of this very process."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(path))
    return made


@contextmanager
def caller(
    path: Path, *, user: int = 0, within: Words = (), python: str = sys.executable
) -> Iterator[tuple[socket.socket, int]]:
    """A connection that another process made, and the pid of that process."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(20)
        words = [*within, python, "-I", CALLER, path, str(theirs.fileno()), str(user)]
        with theirs:
            process = subprocess.Popen(words, pass_fds=[theirs.fileno()], env=environment())
        try:
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
            with socket.socket(fileno=fds[0]) as made:
                yield made, process.pid
        finally:
            ours.close()
            process.wait(20)


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONHOME": sys.base_prefix}


async def given(sock: socket.socket) -> bool:
    """Whether an identity was; if not, it was refused."""
    async with asyncio.timeout(10):
        answer = await first_answer(sock)
    assert answer.data or answer.status in (3, 7), answer
    return bool(answer.data)
