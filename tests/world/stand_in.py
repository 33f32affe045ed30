"""A program that stands in for one of the mesh's: reports as told, and waits for its end."""

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence


def report(**news: object) -> None:
    """Tell the supervisor something."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        text = json.dumps({"name": os.environ["NSM_NAME"], **news}).encode()
        out.sendto(text, os.environ["NSM_STATUS_SOCKET"])


def main(argv: Sequence[str]) -> int:
    """`ready` reports readiness, `client` vWires, `once` ends at once, `sulk` says nothing."""
    kind = argv[0]
    sys.stdout.write(f"here is {os.environ['NSM_NAME']}\n")
    sys.stdout.flush()
    if kind == "once":
        return 0
    if kind == "fail":
        return 3
    if kind == "ready":
        report(ready=True)
    if kind == "client":
        urls = os.environ["NSM_NETWORK_SERVICES"].split(",")
        for number, url in enumerate(urls):
            id = f"{os.environ['NSM_NAME']}-{number}"
            report(connection={"id": id, "url": url, "service": "s", "state": "up", "dst": []})
    signal.sigwait({signal.SIGTERM})
    return 0
