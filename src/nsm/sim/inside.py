"""Whatever a program holds, found by its kind: what tests of leaks count."""

from collections.abc import Iterable, Iterator
from types import CellType, FunctionType, MethodType
from typing import Any, TypeVar

T = TypeVar("T")

PLAIN = (str, bytes, int, float, bool, type(None), type)


def inside(kind: type[T] | tuple[type[T], ...], *roots: object) -> list[T]:
    """Every object of that kind that can be reached from the roots, each once, nearest first."""
    seen: dict[int, object] = {}
    waiting: list[object] = list(roots)
    found: list[T] = []
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, PLAIN) or id(one) in seen:
            continue
        seen[id(one)] = one
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
            return one.__closure__ or ()
        case MethodType():
            return (one.__self__,)
        case CellType():
            return _cell(one)
        case _:
            return _own(one)


def _own(one: Any) -> Iterable[object]:
    if type(one).__module__.startswith("nsm.") and not _made_up(one):
        return [*getattr(one, "__dict__", {}).values(), *_slots(one)]
    return ()


def _made_up(one: object) -> bool:
    """Whether it belongs to the simulation, and so to nobody in it."""
    return type(one).__module__.startswith("nsm.sim.") and type(one).__name__ != "SimProgram"


def _cell(cell: CellType) -> Iterable[object]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _slots(one: object) -> Iterator[object]:
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(one, name):
                yield getattr(one, name)
