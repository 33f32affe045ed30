"""Asking for a block of addresses, and what was given."""

from dataclasses import dataclass

#: What is asked. The wire's enum is open: any other integer is kept.
UNDEFINED = 0
ALLOCATE = 1
DELETE = 2


@dataclass(frozen=True, slots=True)
class PrefixRequest:
    """Allocate or give back `prefix` (empty: any), outside `exclude_prefixes`."""

    type: int = UNDEFINED
    prefix: str = ""
    exclude_prefixes: tuple[str, ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class PrefixResponse:
    """The block allocated, and what of it must not be handed out."""

    prefix: str = ""
    exclude_prefixes: tuple[str, ...] = ()
    rest: bytes = b""
