"""A world of two nodes that is listened to from the moment its namespaces are there."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select
from typing import Any, NamedTuple

from tests.ours import MARK, RUN

from nsm.dataplane.netns import Netns, standing_in
from nsm.errors import NsmError

from .relayed import Relays

NSM = str(Path(__file__).parents[2] / ".venv/bin/nsm")
SERVICE, SERVER, CLIENT, LABEL = "covert-service", "quiet-endpoint", "shy-workload", "ultraviolet"
NEIGHBOUR = "coy-workload"
"""Another that wants it, on the endpoint's node."""
WORLD = f"""
nodes: [node-1, node-2]
services:
  {SERVICE}:
    matches:
      - source_selector: {{color: {LABEL}}}
        routes: [{{destination_selector: {{color: {LABEL}}}}}]
endpoints:
  {SERVER}:
    node: node-2
    serves: {SERVICE}
    run: icmp-responder
    cidr: [172.16.1.0/24]
    labels: {{color: {LABEL}}}
workloads:
  {CLIENT}:
    node: node-1
    wants: kernel://{SERVICE}/nsm-1?color={LABEL}
  {NEIGHBOUR}:
    node: node-2
    wants: kernel://{SERVICE}/nsm-1?color={LABEL}
"""
WORDS = {
    "the service": SERVICE.encode(),
    "the endpoint": SERVER.encode(),
    "the workload": CLIENT.encode(),
    "a label": LABEL.encode(),
    "an id": b"spiffe://",
    "a token": b"eyJhbGciOi",
    "a method": b"networkservice.NetworkService",
    "a program": b"manager-node",
}
"""What must not be heard; all of it is also sent in clear once, to see that it would be."""
PATIENCE = 90
PORT, MARKER = 7777, "marker"
"""Where a marker is sent in clear, between nodes and on one."""


class Flow(NamedTuple):
    """One direction of one TCP connection, as seen at one interface."""

    seen_at: tuple[str, int]
    ends: bytes
    ports: tuple[int, int]


class Ears:
    """Sniffs every interface of every namespace of a mesh, as each appears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: dict[Flow, bytearray] = defaultdict(bytearray)
        self.sockets: dict[str, socket.socket] = {}
        self.stopping = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while not self.stopping:
            self.open()
            names = {sock: name for name, sock in self.sockets.items()}
            for sock in select(list(names), [], [], 0.005)[0]:
                frame, address = sock.recvfrom(65536)
                if address[2] != socket.PACKET_OUTGOING or names[sock] != "underlay":
                    self.note(names[sock], sock, frame, address[0])

    def open(self) -> None:
        for name in os.listdir(self.folder) if self.folder.exists() else ():
            if name not in self.sockets:
                with suppress(OSError, NsmError):  # its file comes before what is mounted there
                    self.sockets[name] = ear_in(self.folder / name)

    def note(self, name: str, sock: socket.socket, frame: bytes, interface: str) -> None:
        found = tcp_in(frame)
        if found:
            ends, ports, said = found
            where = (name, hash(interface))
            self.heard[Flow(where, ends, ports)] += said

    def stop(self) -> None:
        """Hear no more: a thread that listens on would stand in the way of later tests."""
        self.stopping = True
        self.thread.join()
        while self.sockets:
            self.sockets.popitem()[1].close()


def ear_in(namespace: Path) -> socket.socket:
    """A socket that hears every frame there."""
    with standing_in(Netns.open(str(namespace))):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    return made


def tcp_in(frame: bytes) -> tuple[bytes, tuple[int, int], bytes] | None:
    """The ends, ports and payload of an Ethernet frame that holds TCP."""
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00" and packet[9] == 6:
        ends, rest = packet[12:20], packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4])]
    elif kind == b"\x86\xdd" and packet[6] == 6:
        ends, rest = packet[8:40], packet[40 : 40 + int.from_bytes(packet[4:6])]
    else:
        return None
    ports = int.from_bytes(rest[:2]), int.from_bytes(rest[2:4])
    return ends + rest[:4], ports, rest[(rest[12] >> 4) * 4 :]


class World:
    """The mesh, all that was heard of it, and all that it wrote."""

    def __init__(self, folder: Path) -> None:
        self.name = f"attacked-{MARK}"
        self.file = folder / f"{self.name}.yaml"
        self.file.write_text(WORLD)
        self.root = RUN / self.name
        self.ears = Ears(self.root / "netns")
        self.relays = Relays()
        self.said: list[str] = []

    def __call__(self, *words: str) -> str:
        """`nsm`, whatever comes of it; what it prints is kept."""
        done = subprocess.run(
            [NSM, *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.said.append(done.stdout + done.stderr)
        return done.stdout

    def up(self) -> None:
        """Bring it up, make all say more, break and mend everything once."""
        self("up", str(self.file), "-d")
        processes = self.status()["processes"]
        assert all(process["state"] == "up" for process in processes), self.said
        for process in processes:
            os.kill(process["pid"], signal.SIGUSR1)
        self.stand_between()
        self("wait", "-m", self.name, "--timeout", "60s")
        self("ping", "-m", self.name, CLIENT, SERVICE, "-c", "1")
        self("status", "-m", self.name)

    def stand_between(self) -> None:
        """Relays before every socket, and everybody made to connect once more.

        An endpoint that registers again, here with a manager that starts again, names the relay.
        """
        near, far = (self.root / "run" / f"node@node-{n}" / "nsm.io.sock" for n in (1, 2))
        for path in (near, far, self.root / "run" / SERVER / "listen.on"):
            self.relays.stand_before(path)
        self.relays.leave(far)
        self("restart", "-m", self.name, "node@node-2")
        self("wait", "-m", self.name, "--timeout", "60s")
        self.relays.stand_before(far)
        for client in (CLIENT, NEIGHBOUR):
            self("restart", "-m", self.name, client)

    def status(self) -> Any:
        return json.loads(self("status", "-m", self.name, "-o", "json"))

    def send_in_clear(self, words: bytes) -> None:
        """Say something from one node to the other, so that it must be heard."""
        there = Netns.open(str(self.root / "netns" / "node-2"))
        here = Netns.open(str(self.root / "netns" / "node-1"))
        with standing_in(there):
            listening = socket.create_server(
                ("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True
            )
        address = self.address_of("node-2")
        with listening, standing_in(here), socket.create_connection((address, PORT), 5) as sock:
            sock.sendall(words)
            listening.accept()[0].close()
        time.sleep(0.2)
        path = self.root / "run" / MARKER / "socket"
        path.parent.mkdir()
        with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as sock:
            listening.bind(str(path))
            listening.listen()
            self.relays.stand_before(path)
            sock.connect(str(path))
            sock.sendall(words)
            with listening.accept()[0] as there:
                there.recv(len(words), socket.MSG_WAITALL)

    def address_of(self, node: str) -> str:
        shown = self(
            "exec", "-m", self.name, node, "--", "ip", "-4", "-j", "addr", "show", "underlay"
        )
        found: str = json.loads(shown)[0]["addr_info"][0]["local"]
        return found

    def down(self) -> None:
        """Nothing is left over but what listens in its folder, and nothing is left."""
        found = self("audit", self.name, "--timeout", "10s", "-o", "json")
        self("down", self.name)
        self.stop_listening()
        left = [one for one in json.loads(found)["leftovers"] if one["kind"] != "file"]
        assert left == [], left
        assert not self.root.exists()

    def stop_listening(self) -> None:
        """Hear no more: whoever listens on in a thread has descriptors that later tests meet."""
        self.ears.stop()
        self.relays.stop()


@contextmanager
def tapped(folder: Path) -> Iterator[World]:
    world = World(folder)
    try:
        world.up()
        world.send_in_clear(b" ".join(WORDS.values()))
        world.stop_listening()
        world("restart", "-m", world.name, SERVER)  # it had named the relay
        world("wait", "-m", world.name, "--timeout", "60s")
        yield world
    finally:
        world.down()
