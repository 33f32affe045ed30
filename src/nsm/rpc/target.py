"""Where a URL leads: a unix socket's path, or a host and a port."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from nsm.errors import Invalid

LONGEST_PATH = 107
"""Bytes a unix socket's name may have (unix(7))."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to listen on or to dial: `path`, or else `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"

    @property
    def authority(self) -> str:
        """What HTTP/2 calls it; gRPC says `localhost` for a unix socket."""
        return "localhost" if self.path else str(self).removeprefix("tcp://")


def target_of(url: str) -> Target:
    """`unix:///path`, `tcp://host:port`, or `host:port` without a scheme (W §1.6); else Invalid."""
    if url.startswith("unix:"):
        return _unix(url)
    try:
        parts = urlsplit(url if "://" in url else f"tcp://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad(url) from error
    if parts.scheme != "tcp" or port is None or parts.path not in ("", "/") or parts.query:
        raise _bad(url)
    return Target(host=host, port=port)


def _unix(url: str) -> Target:
    path = url.removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("//") else path
    if not path or "\0" in path:
        raise _bad(url)
    if len(path.encode()) > LONGEST_PATH:
        raise Invalid(
            f"the path of {url[:200]} is longer than the {LONGEST_PATH} bytes a socket's may be",
            fix="choose a shorter folder",
        )
    return Target(path=path)


def _bad(url: str) -> Invalid:
    return Invalid(
        f"{url[:200]!r} is no place to call", fix="write unix:///path or tcp://host:port"
    )
