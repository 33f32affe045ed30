"""How a list of elements becomes one handler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from nsm.sdk.handler import Handler, Link
from nsm.sdk.trace import traced

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Chain(Generic[H]):
    """Links in the order a request meets them; itself a link, so chains nest."""

    links: tuple[Link[H], ...]
    around: Callable[[Link[H], H], H]

    def bind(self, next: H) -> H:
        """Build from the tail forward, so every link is handed its next exactly once."""
        for link in reversed(self.links):
            next = self.around(link, link.bind(next))
        return next


def chain(
    *links: Link[Handler], around: Callable[[Link[Handler], Handler], Handler] = traced
) -> Chain[Handler]:
    """Read top to bottom: the first link sees a request first and its answer last."""
    return Chain(links, around)
