"""What a program hands every chain it builds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from nsm.sdk import Clock, Dialer, Element, Handler, Link, Tasks, Tokens
from nsm.sdk.convoy import Convoy
from nsm.sdk.events import Events
from nsm.sdk.watching import Watching


@dataclass(frozen=True, kw_only=True)
class Needs:
    """A program's name, its collaborators, and what it asks of its callers.

    `authorize` is about what they prove, and stands in every chain; `admit` about what they may,
    and stands where a recipe puts it. `believes` says who is believed about others.
    """

    name: str
    tokens: Tokens
    dialer: Dialer
    authorize: Link[Handler]
    admit: Link[Handler] = field(default_factory=Element)
    believes: Callable[[str], bool] = lambda _: True
    tasks: Tasks = field(default_factory=Tasks)
    clock: Clock = field(default_factory=Clock)
    events: Events = field(default_factory=Events)
    dial_timeout: float = 0.0

    @cached_property
    def convoy(self) -> Convoy:
        """In which its connections are asked for again, when many have to be."""
        return Convoy(self.clock)

    @cached_property
    def watching(self) -> Watching:
        """The program's ear at its next hops."""
        return Watching(self.name, self.tasks, self.clock)
