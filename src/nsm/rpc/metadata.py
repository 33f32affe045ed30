"""What gRPC headers carry for us (W §1.4): tokens, the registration path, time-outs."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence

from nsm.errors import Invalid
from nsm.sdk.call import Token, TokenPath
from nsm.wire.headers import EXPIRES, PATH, TOKEN, read_moment, read_path, write_moment, write_path

log = logging.getLogger(__name__)

Metadata = Mapping[str, Sequence[str]]
"""Values by lower-case name, in the order they came."""

TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])", re.ASCII)
UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def gathered(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each header; pseudo-headers too."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def token_headers(token: Token) -> list[tuple[str, str]]:
    """A token on its way to a peer."""
    return [(TOKEN, token.text), (EXPIRES, write_moment(token.expires))]


def token_in(metadata: Metadata) -> Token | None:
    """The caller's token; none unless each of its headers is there exactly once and readable."""
    texts, moments = metadata.get(TOKEN, ()), metadata.get(EXPIRES, ())
    if not texts and not moments:
        return None
    try:
        (text,), (moment,) = texts, moments
        return Token(text, read_moment(moment))
    except (ValueError, Invalid):
        log.warning("a caller's token is ignored: its headers are not there once and readable")
        return None


def path_header(path: TokenPath) -> tuple[str, str]:
    """A registration's token path."""
    return (PATH, write_path(path.index, path.tokens))


def path_in(metadata: Metadata) -> TokenPath:
    """The token path of a registration; empty where none was sent. The last one counts."""
    values = metadata.get(PATH)
    return TokenPath(*read_path(values[-1])) if values else TokenPath()


def timeout_header(seconds: float) -> tuple[str, str]:
    """How long an answer is waited for; at most eight digits, so the unit grows with it."""
    for unit, per_second in (("u", 1e6), ("m", 1e3), ("S", 1)):
        count = int(seconds * per_second)
        if count < 10**8:
            return ("grpc-timeout", f"{count}{unit}")
    return ("grpc-timeout", "99999999S")


def timeout_in(metadata: Metadata) -> float | None:
    """How long the caller waits, in seconds; None for ever."""
    values = metadata.get("grpc-timeout")
    if not values:
        return None
    found = TIMEOUT.fullmatch(values[0])
    if found is None:
        raise Invalid("the header grpc-timeout is not a time-out")
    return int(found[1]) * UNITS[found[2]]
