"""Where chance comes from: the system, unless whoever runs us has said `sown`.

Nothing else asks for random numbers, so that a whole mesh in one process can be run again as it
was. What must not be guessed (keys, ids) is as good as the system's own numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random, SystemRandom
from uuid import UUID

_source: ContextVar[Random] = ContextVar("chance")
_system = SystemRandom()


def fraction() -> float:
    """From 0 up to 1."""
    return _source.get(_system).random()


def bits(count: int) -> int:
    """A number of so many bits."""
    return _source.get(_system).getrandbits(count)


def new_id() -> str:
    """An id no one else will choose."""
    return str(UUID(int=bits(128), version=4))


@contextmanager
def sown(source: Random) -> Iterator[None]:
    """Within the block, and in all tasks begun there, chance comes from `source`."""
    before = _source.set(source)
    try:
        yield
    finally:
        _source.reset(before)
