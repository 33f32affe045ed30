"""Connects to a unix socket, hands the connection to whoever started it, and waits to be let go.

For callers of another user, in another namespace, or that end; needs only the standard library.
"""

import os
import socket
import sys


def main(path: str, back: int, user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
    with socket.socket(fileno=back) as parent:
        socket.send_fds(parent, [b"!"], [made.fileno()])
        made.close()
        parent.recv(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
