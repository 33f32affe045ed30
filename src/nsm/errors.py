"""Every failure a peer can act on, and nothing else.

A failure says what went wrong (`cause`), where (`hop`) and what to do about it (`fix`); the class
says what kind of answer it deserves, as a gRPC status name. Foreign exceptions become these at
one seam each: `rpc`, `dataplane`, `identity`.
"""

from typing import ClassVar


class NsmError(Exception):
    """A refusal or failure; `status` is the gRPC status name the peer will see."""

    status: ClassVar[str] = "INTERNAL"

    def __init__(self, cause: str, *, hop: str = "", fix: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.hop = hop
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.hop}: " if self.hop else ""
        mend = f" (fix: {self.fix})" if self.fix else ""
        return f"{where}{self.cause}{mend}"


class Invalid(NsmError):
    """The request could never succeed as written."""

    status = "INVALID_ARGUMENT"


class NotFound(NsmError):
    """No such service, endpoint or connection."""

    status = "NOT_FOUND"


class Denied(NsmError):
    """A policy said no."""

    status = "PERMISSION_DENIED"


class Unauthenticated(NsmError):
    """The peer did not prove who it is."""

    status = "UNAUTHENTICATED"


class Exhausted(NsmError):
    """An address, interface or resource pool has run dry."""

    status = "RESOURCE_EXHAUSTED"


class Unsupported(NsmError):
    """No mechanism offered is one we can build."""

    status = "FAILED_PRECONDITION"


class Unreachable(NsmError):
    """The next hop did not answer; asking another may work."""

    status = "UNAVAILABLE"


class TooLate(NsmError):
    """The caller's deadline passed first."""

    status = "DEADLINE_EXCEEDED"


class Cancelled(NsmError):
    """The peer withdrew; towards a monitor's owner this means: do not heal."""

    status = "CANCELLED"


class Unimplemented(NsmError):
    """The peer does not offer this method."""

    status = "UNIMPLEMENTED"


class Unknown(NsmError):
    """The peer failed and did not say how."""

    status = "UNKNOWN"


BY_STATUS: dict[str, type[NsmError]] = {
    kind.status: kind
    for kind in (
        NsmError,
        Invalid,
        NotFound,
        Denied,
        Unauthenticated,
        Exhausted,
        Unsupported,
        Unreachable,
        TooLate,
        Cancelled,
        Unimplemented,
        Unknown,
    )
}
"""How a status received from a peer becomes the error raised here."""
