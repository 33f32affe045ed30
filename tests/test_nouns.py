"""A changed noun is another noun: the same as `dataclasses.replace` makes, whatever its class."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from nsm.admission.glob import Glob
from nsm.api.connection import Connection, Segment
from nsm.nouns import replace
from nsm.sdk import Call


@dataclass(frozen=True, slots=True)
class Longer(Segment):
    """A noun whose fields are slots of two classes."""

    more: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Open:
    """A noun without slots."""

    a: int = 1
    b: int = 2


@dataclass(frozen=True, slots=True)
class Single:
    """A noun of one field."""

    only: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("noun", "changes"),
    [
        (Connection("c-1", labels={"app": "web"}), {"state": 1, "endpoint": "e"}),
        (Call(to="tcp://here:1"), {"deadline": 2.5}),
        (Longer("n", "s-1", "token", more=[1]), {"token": "", "more": [2]}),
        (Longer("n", "s-1", "token", more=[1]), {}),
        (Open(3), {"b": 4}),
        (Single(), {"only": (1,)}),
    ],
)
def test_it_makes_what_dataclasses_make(noun: object, changes: dict[str, object]) -> None:
    names = [one.name for one in dataclasses.fields(noun)]  # type: ignore[arg-type]
    before = [getattr(noun, name) for name in names]

    new = replace(noun, **changes)  # type: ignore[type-var]

    assert new == dataclasses.replace(noun, **changes)  # type: ignore[type-var]
    assert type(new) is type(noun)
    assert new is not noun
    assert [getattr(noun, name) for name in names] == before


def test_what_a_class_does_after_its_init_is_done() -> None:
    other = replace(Glob("a*"), text="b*")
    assert other.matches("bc")
    assert not other.matches("ac")


@pytest.mark.parametrize("noun", [Connection(), Open(), Single()])
def test_a_field_there_is_not_is_refused(noun: object) -> None:
    with pytest.raises(TypeError, match="colour"):
        replace(noun, colour="red")  # type: ignore[type-var]


def test_the_new_one_is_as_frozen_as_the_old() -> None:
    new = replace(Connection(), id="c-1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        new.id = "c-2"  # type: ignore[misc]
