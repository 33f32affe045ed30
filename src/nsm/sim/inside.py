"""Whatever a program holds, found by its kind: what tests of leaks count."""

from collections.abc import Iterable
from types import CellType, FunctionType, MethodType
from typing import Any, TypeVar

T = TypeVar("T")

PLAIN = frozenset((str, bytes, int, float, bool, type(None), type))
NOTHING: tuple[object, ...] = ()
SLOTS: dict[type, tuple[str, ...] | None] = {}
"""What `_slots` found: each class is asked about thousands of times."""


def inside(kind: type[T] | tuple[type[T], ...], *roots: object) -> list[T]:
    """Every object of that kind that can be reached from the roots, each once, nearest first."""
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    found: list[T] = []
    for one in waiting:  # it grows meanwhile, and keeps alive what is in `seen`
        if type(one) in PLAIN or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, kind):
            found.append(one)
        waiting.extend(_parts(one))
    return found


def _parts(one: Any) -> Iterable[object]:
    match one:
        case dict():
            return (*one.keys(), *one.values())
        case list() | tuple() | set() | frozenset():
            return list(one)
        case FunctionType():
            return one.__closure__ or NOTHING
        case MethodType():
            return (one.__self__,)
        case CellType():
            return _cell(one)
        case _:
            return _own(one)


def _own(one: object) -> Iterable[object]:
    kind = type(one)
    if kind not in SLOTS:
        SLOTS[kind] = _slots(kind)
    slots = SLOTS[kind]
    if slots is None:
        return NOTHING
    own = [getattr(one, name) for name in slots if hasattr(one, name)] if slots else NOTHING
    return (*getattr(one, "__dict__", {}).values(), *own)


def _slots(kind: type) -> tuple[str, ...] | None:
    """The slots of a class of ours; None where it is not, or belongs to the simulation only."""
    ours = kind.__module__.startswith("nsm.")
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
