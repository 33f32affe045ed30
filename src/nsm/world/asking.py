"""What the supervisor can be asked over its control socket: one JSON line each way."""

import msgspec

LIMIT = 4 << 20
"""Bytes of one line; the status of a thousand workloads has a quarter of it."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag=str.lower):
    """A question or an order; `do` says which."""


class Status(Ask, frozen=True):
    """What is there, and how it is."""


class Wait(Ask, frozen=True, kw_only=True):
    """Until these, or all, are up; answers with the status either way."""

    who: list[str] = []
    within: float = 60.0


class Kill(Ask, frozen=True, kw_only=True):
    """Send a signal; with `gone` take the namespace, too."""

    who: str
    signal: int = 9
    gone: bool = False


class Restart(Ask, frozen=True, kw_only=True):
    """Mend what was killed."""

    who: str


class Place(Ask, frozen=True, kw_only=True):
    """Where something runs: its namespaces, environment and log."""

    who: str


class Attach(Ask, frozen=True, kw_only=True):
    """Give vWires to something that runs anyway."""

    target: str
    urls: list[str]
    node: str = ""
    within: float = 60.0


class Detach(Ask, frozen=True, kw_only=True):
    """Take vWires back from it; all, where none is named."""

    target: str
    urls: list[str] = []


class Claims(Ask, frozen=True):
    """What should be there, for an audit to hold it against what is."""


class Down(Ask, frozen=True):
    """Take everything down; the answer comes when it begins."""


Any = Status | Wait | Kill | Restart | Place | Attach | Detach | Claims | Down
