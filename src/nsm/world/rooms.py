"""Mount namespaces: where a workload finds an /etc/resolv.conf and a /sys of its own."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nsm.dataplane.netns import Netns, standing_in
from nsm.world import syscalls as sys

log = logging.getLogger(__name__)
OWN = "/proc/thread-self/ns/mnt"
RESOLV_CONF = Path("/etc/resolv.conf")


def furnish(netns: Path, resolv_conf: Path) -> int:
    """A mount namespace that goes with `netns`, as an open descriptor; the host's are untouched.

    It hears of what is unmounted on the host, so that it keeps no dead namespace alive. It lives as
    long as the descriptor, or somebody in it, does.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="nsm-room") as thread:
        return thread.submit(_furnish, netns, resolv_conf).result()


def _furnish(netns: Path, resolv_conf: Path) -> int:
    """Runs in a thread that ends with it: what it unshares is shared with nobody afterwards."""
    sys.unshare(sys.CLONE_FS | sys.CLONE_NEWNS)
    sys.propagate(Path("/"), sys.MS_REC | sys.MS_SLAVE)
    try:
        sys.bind(resolv_conf, RESOLV_CONF)
    except OSError as error:
        log.warning("%s keeps the host's %s: %s", netns.name, RESOLV_CONF, error)
    with standing_in(Netns.open(str(netns))):
        _show_own_devices()
    return os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)


def _show_own_devices() -> None:
    """A /sys that shows the namespace's interfaces, and not the host's."""
    try:
        sys.mount("sysfs", Path("/sys"))
    except OSError as error:
        log.warning("/sys shows the host's interfaces: %s", error)


def write_resolv_conf(folder: Path) -> Path:
    """A name service configuration to begin with: the host's."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "resolv.conf"
    try:
        text = RESOLV_CONF.read_text()
    except (OSError, UnicodeDecodeError):
        text = "# this host has none\n"
    file.write_text(text)
    return file
