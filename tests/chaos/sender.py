"""Echoes through vWires, sent where a workload runs: `sender.py FILE SPACING INTERFACE…`.

What it finds goes to FILE, a `RECORD` for each echo, so that no silence and no loss goes unseen.
It needs nothing but Python, and never looks at what the mesh says: only at the kernel.
"""

import os
import select
import signal
import socket
import struct
import sys
import time

RECORD = struct.Struct("<dfIB")
"""When it was sent (monotonic), its round-trip in seconds, its number, which interface (from 0).

Instead of a round-trip: `LOST`; `NEW`, with the interface's index for a number, where it is another
than before; `BEGUN`, when the sender itself is.
"""
LOST, NEW, BEGUN = -1.0, -2.0, -3.0
PATIENCE = 1.0
"""Seconds after which an echo is lost."""
LOOK = 0.02
"""Seconds between two looks at the interface, and at who stands at its other end."""
FLUSH = 0.05
ROOM = 1 << 20
"""Bytes of answers that may wait for us: on a busy machine we are late, and nothing is lost."""
SO_RCVBUFFORCE = 33
ECHO = struct.Struct("!BBHHHI")


def main(words: list[str]) -> None:
    """Send until told to stop."""
    path, spacing, *names = words
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    kept = bytearray(RECORD.pack(time.monotonic(), BEGUN, 0, 0))
    wires = [Wire(number, name, kept) for number, name in enumerate(names)]
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    due, written = time.monotonic(), 0.0
    while not stopping:
        now = time.monotonic()
        for wire in wires:
            wire.hear(now)
        if now >= due:
            due = max(due + float(spacing), now)
            for wire in wires:
                wire.send(now)
        if now - written > FLUSH:
            written = now
            os.write(out, kept)
            kept.clear()
        sockets = [one for wire in wires for one in (wire.socket, wire.former) if one]
        select.select(sockets, [], [], max(0.0, due - time.monotonic()))
    os.write(out, kept)


class Wire:
    """One interface, and the echoes that are under way through it.

    Where another takes its name, what is under way may still come back to the `former` socket.
    """

    def __init__(self, number: int, name: str, kept: bytearray) -> None:
        self.number, self.name, self.kept = number, name, kept
        self.socket: socket.socket | None = None
        self.former: socket.socket | None = None
        self.index, self.target, self.looked = 0, "", 0.0
        self.sequence = 0
        self.pending: dict[int, float] = {}

    def send(self, now: float) -> None:
        """The next echo; where there is no way to send it, it is lost at once."""
        if now - self.looked > LOOK:
            self.look(now)
        self.sequence += 1
        try:
            if not (self.socket and self.target):
                raise OSError
            short = self.sequence & 0xFFFF
            self.socket.sendto(ECHO.pack(8, 0, 0, 0, short, self.sequence), (self.target, 0))
            self.pending[self.sequence] = now
        except OSError:
            self.note(now, LOST, self.sequence)
            self.looked = 0.0

    def hear(self, now: float) -> None:
        """What came back; and what did not, once all that waited has been read."""
        for heard in filter(None, (self.former, self.socket)):
            self.read(heard)
        for sequence, sent in list(self.pending.items()):
            if sent > now - PATIENCE:
                break
            del self.pending[sequence]
            self.note(sent, LOST, sequence)

    def read(self, heard: socket.socket) -> None:
        """All that waits there."""
        while True:
            try:
                data = heard.recv(256)
            except OSError:
                break
            if len(data) < ECHO.size or data[0] != 0:
                continue
            sequence = ECHO.unpack_from(data)[5]
            if (sent := self.pending.pop(sequence, None)) is not None:
                self.note(sent, time.monotonic() - sent, sequence)

    def look(self, now: float) -> None:
        """An interface made anew needs a socket anew; until all is there, the one before may do."""
        self.looked = now
        try:
            index = socket.if_nametoindex(self.name)
            target = opposite(self.name)
            if socket.if_nametoindex(self.name) != index:
                return
        except OSError:
            return
        if index != self.index:
            if not target:
                return
            self.note(now, NEW, index)
            self.index = index
            self.open()
        self.target = target

    def open(self) -> None:
        """A socket for echoes through this interface and no other."""
        if self.former:
            self.former.close()
        self.former, self.socket = self.socket, None
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.name.encode())
        except OSError:  # it has gone again
            made.close()
            self.index = 0
            return
        self.socket = made

    def note(self, when: float, what: float, number: int) -> None:
        """Keep it for the next write."""
        self.kept += RECORD.pack(when, what, number, self.number)


def opposite(name: str) -> str:
    """The host that the kernel has on the other end of an interface; empty where there is none."""
    with open("/proc/net/route") as routes:
        for line in routes:
            fields = line.split()
            if fields[0] == name and fields[7] == "FFFFFFFF":
                return socket.inet_ntoa(struct.pack("=I", int(fields[1], 16)))
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
