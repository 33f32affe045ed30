"""Stands between those who connect to a unix socket and whoever listens there, and hears both."""

import os
import selectors
import socket
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

FILES = 16
"""Descriptors that travel in one message at most."""
LOOKED = 0.05
"""Seconds until somebody who begins or ends is met."""


class Relay:
    """The one socket's: it takes its name, and passes on whatever comes, files too."""

    def __init__(self, path: Path, heard: bytearray) -> None:
        self.path, self.heard = path, heard
        self.real = path.with_name(f"{path.name}.real")
        self.stopping = False
        path.rename(self.real)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        path.chmod(0o777)
        self.listening.listen(128)
        self.listening.settimeout(LOOKED)
        self.threads = [threading.Thread(target=self.meet, daemon=True)]
        self.threads[0].start()

    def meet(self) -> None:
        while not self.stopping:
            with suppress(TimeoutError):
                near, _ = self.listening.accept()
                self.threads.append(threading.Thread(target=self.join, args=(near,), daemon=True))
                self.threads[-1].start()

    def join(self, near: socket.socket) -> None:
        """One connection, until one of its ends leaves."""
        far, ready = socket.socket(socket.AF_UNIX), selectors.DefaultSelector()
        with near, far, ready, suppress(OSError):
            far.connect(str(self.real))
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self.stopping:
                for key, _ in ready.select(LOOKED):
                    if not self.carry(key.fileobj, key.data):
                        return

    def carry(self, whence: object, to: socket.socket) -> bool:
        assert isinstance(whence, socket.socket)
        data, files, _, _ = socket.recv_fds(whence, 65536, FILES)
        self.heard += data
        try:
            sent = socket.send_fds(to, [data], files) if data else 0
            to.sendall(data[sent:])
        finally:
            for file in files:
                os.close(file)
        return bool(data)

    def leave(self) -> None:
        """Give the name back. Whoever is connected finds the connection broken."""
        self.stopping = True
        for thread in self.threads:
            thread.join()
        self.listening.close()
        with suppress(OSError):  # a mesh that is down has taken it away
            self.real.rename(self.path)


class Relays:
    """All of a mesh, and what each heard by the name of whose socket it is."""

    def __init__(self) -> None:
        self.heard: dict[str, bytearray] = defaultdict(bytearray)
        self.standing: dict[Path, Relay] = {}

    def stand_before(self, path: Path) -> None:
        """Hear those who connect from now on."""
        self.standing[path] = Relay(path, self.heard[path.parent.name])

    def leave(self, path: Path) -> None:
        """Hear them no more: nobody can begin to listen where a relay stands."""
        self.standing.pop(path).leave()

    def stop(self) -> None:
        for path in [*self.standing]:
            self.leave(path)
