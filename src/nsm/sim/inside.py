"""Whatever a program holds, found by its kind: what tests of leaks count."""

from collections.abc import Callable, Iterable
from types import CellType, FunctionType, MethodType
from typing import Any, TypeVar

T = TypeVar("T")
Way = Callable[[Any], Iterable[object]]
"""From an object to what it holds."""

PLAIN = frozenset((str, bytes, int, float, bool, type(None), type))
NOTHING: tuple[object, ...] = ()


def inside(kind: type[T] | tuple[type[T], ...], *roots: object) -> list[T]:
    """Every object of that kind that can be reached from the roots, each once, nearest first."""
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    found: list[T] = []
    for one in waiting:  # it grows meanwhile, and keeps alive what is in `seen`
        its = type(one)
        if its in PLAIN or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, kind):
            found.append(one)
        if (way := WAYS.get(its)) is None:
            way = WAYS[its] = _way(its)
        waiting.extend(way(one))
    return found


def _way(kind: type) -> Way:
    """How to see what one of that class holds."""
    for known, way in HOLDERS.items():
        if issubclass(kind, known):
            return way
    slots = _slots(kind)
    return _nothing if slots is None else lambda one: _own(one, slots)


def _own(one: object, slots: tuple[str, ...]) -> Iterable[object]:
    own = [getattr(one, name, None) for name in slots]
    return (*getattr(one, "__dict__", {}).values(), *own)


def _nothing(_: object) -> Iterable[object]:
    return NOTHING


def _slots(kind: type) -> tuple[str, ...] | None:
    """The slots of a class of ours; None where it is not, or belongs to the simulation only.

    Nouns hold nothing but nouns: they are not looked into either.
    """
    ours = kind.__module__.startswith("nsm.") and not kind.__module__.startswith("nsm.api.")
    if not ours or (kind.__module__.startswith("nsm.sim.") and kind.__name__ != "SimProgram"):
        return None
    named = [each.__dict__.get("__slots__", ()) for each in kind.__mro__]
    return tuple(
        name for slots in named for name in ((slots,) if isinstance(slots, str) else slots)
    )


def _cell(cell: CellType) -> Iterable[object]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return NOTHING


HOLDERS: dict[type, Way] = {
    dict: lambda one: (*one.keys(), *one.values()),
    list: tuple,
    tuple: tuple,
    set: tuple,
    frozenset: tuple,
    FunctionType: lambda one: one.__closure__ or NOTHING,
    MethodType: lambda one: (one.__self__,),
    CellType: _cell,
}
"""What is not ours and holds what is; and so does whatever is made of it."""
WAYS = dict(HOLDERS)
"""What `_way` found: each class is asked about thousands of times."""
