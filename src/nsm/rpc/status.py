"""Failures as gRPC says them, and back: a status, a message, and headers of ours beside it.

`nsm-hop` and `nsm-fix` are more than Go peers look at, and do them no harm.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from grpclib.const import Status

from nsm.errors import BY_STATUS, NsmError, TooLate, Unknown

HOP, FIX = "nsm-hop", "nsm-fix"
LONGEST = 1024
"""Characters of a message that travel; peers bound their headers."""
SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
OK = [("grpc-status", "0")]
OF_HTTP = {"401": "UNAUTHENTICATED", "403": "PERMISSION_DENIED", "404": "UNIMPLEMENTED"}
"""An answer that is not gRPC at all (gRPC, "HTTP to gRPC Status Code Mapping")."""
BUSY = {"429", "502", "503", "504"}


def trailers_for(error: NsmError, hop: str) -> list[tuple[str, str]]:
    """How a failure ends a call; `hop` is ours, for one that does not say where it happened."""
    trailers = [
        ("grpc-status", str(Status[error.status].value)),
        ("grpc-message", _quoted(error.cause)),
    ]
    if where := error.hop or hop:
        trailers.append((HOP, _quoted(where)))
    if error.fix:
        trailers.append((FIX, _quoted(error.fix)))
    return trailers


def failure_in(headers: Mapping[str, str]) -> NsmError | None:
    """What the end of a call says went wrong, if anything."""
    code = headers.get("grpc-status")
    if code == "0":
        return None
    try:
        name = Status(int(code or "")).name
    except ValueError:
        return Unknown(f"the peer ended the call without a status ({_said(code)!r})")
    return _error(name, headers)


def failure_of_answer(headers: Mapping[str, str]) -> NsmError | None:
    """What is wrong with the first headers of an answer: it may come from no gRPC server."""
    code = headers.get(":status")
    if code != "200":
        name = "UNAVAILABLE" if code in BUSY else OF_HTTP.get(code or "", "UNKNOWN")
        return BY_STATUS[name](f"the peer answered with HTTP status {_said(code)}")
    if not headers.get("content-type", "").startswith("application/grpc"):
        return Unknown("the peer does not speak gRPC")
    if headers.get("grpc-encoding", "identity") != "identity":
        return Unknown("the peer compresses its answers, which was not asked for")
    return None


def as_failure(error: BaseException) -> NsmError | None:
    """What a peer may hear of `error`; None where it must not hear anything of it."""
    if isinstance(error, NsmError):
        return error
    return TooLate("something took too long") if isinstance(error, TimeoutError) else None


def _error(name: str, headers: Mapping[str, str]) -> NsmError:
    cause = _plain(headers.get("grpc-message", "")) or name.lower().replace("_", " ")
    kind = BY_STATUS.get(name)
    if kind is None:
        kind, cause = Unknown, f"{name}: {cause}"
    return kind(cause, hop=_plain(headers.get(HOP, "")), fix=_plain(headers.get(FIX, "")))


def _quoted(text: str) -> str:
    return quote(text[:LONGEST], safe=SAFE)


def _plain(text: str) -> str:
    return unquote(text[: 3 * LONGEST], errors="replace")


def _said(text: str | None) -> str:
    return (text or "nothing")[:20]
