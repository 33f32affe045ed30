"""Namespaces that are there for as long as somebody holds them."""

from nsm.dataplane.netns import Netns, returning_home, unshare


def namespace() -> Netns:
    """A network namespace of its own, bound to no path."""
    with returning_home():
        unshare()
        return Netns.current()
