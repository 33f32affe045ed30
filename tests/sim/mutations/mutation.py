"""A deliberate fault in the product, put in for a while: does the simulation notice?"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

Place = tuple[Any, str]
"""An attribute of a class or a module."""


@dataclass(frozen=True)
class Mutation:
    """What is done wrong, as a sentence, and where; `make` turns the real thing into it."""

    name: str
    wrong: str
    places: tuple[Place, ...]
    make: Callable[[Any], Any]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The product as it is with the fault."""
        with ExitStack() as undo:
            for owner, attribute in self.places:
                real = getattr(owner, attribute)
                setattr(owner, attribute, self.make(real))
                undo.callback(setattr, owner, attribute, real)
            yield


ALL: dict[str, Mutation] = {}
"""Every mutation, by its name."""


def mutation(
    owner: Any, attribute: str, *more: Place
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Make a mutation of a function from what is real to what is wrong, named after it."""

    def note(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        name = make.__name__.replace("_", "-")
        assert name not in ALL, f"two mutations are called {name}"
        places = ((owner, attribute), *more)
        ALL[name] = Mutation(name, inspect.getdoc(make) or "", places, make)
        return make

    return note
