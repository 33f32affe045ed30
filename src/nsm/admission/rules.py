"""What rules are made of, and the question they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

from nsm.admission.glob import Glob
from nsm.nouns import replace

USE, SERVE, REGISTER = "use", "serve", "register"
DEEDS = (USE, SERVE, REGISTER)
"""To have a vWire to a service; to be an endpoint of it; to say what it is."""
PROVEN, VOUCHED = "proven", "vouched"
"""By the asker's own certificate; or by that of a hop that passed the request on."""
DAY = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who wants to do what; a vWire's endpoint, payload and mechanism are None until it is built.

    `node` is the asker's, `minute` that of the day, UTC.
    """

    do: str = USE
    who: str
    service: str
    domain: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    verified: str = PROVEN
    minute: int = 0
    endpoint: str | None = None
    payload: str | None = None
    mechanism: str | None = None


class Condition(Protocol):
    """What must hold for a rule to apply."""

    @property
    def key(self) -> str:
        """What it goes by in the file."""
        ...

    def met(self, question: Question) -> bool | None:
        """Whether it holds; None where that is not known yet."""
        ...


@dataclass(frozen=True, slots=True)
class Like:
    """One part of the question is like one of some globs."""

    key: str
    globs: tuple[Glob, ...]

    def met(self, question: Question) -> bool | None:
        value: str | None = getattr(question, self.key)
        return None if value is None else any(glob.matches(value) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class ForService:
    """The service is like one of some globs; a glob with an @ is about the domain as well."""

    globs: tuple[Glob, ...]
    key: str = "service"

    def met(self, question: Question) -> bool:
        plain, whole = question.service, f"{question.service}@{question.domain}"
        return any(glob.matches(whole if "@" in glob.text else plain) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class WithLabels:
    """All of some labels are there."""

    labels: Mapping[str, str]
    key: str = "labels"

    def met(self, question: Question) -> bool:
        return all(question.labels.get(label) == value for label, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Within:
    """It is between two minutes of the day, UTC; a span may go on past midnight."""

    spans: tuple[tuple[int, int], ...]
    key: str = "hours"

    def met(self, question: Question) -> bool:
        minute = question.minute % DAY
        return any(
            begin <= minute < end if begin < end else minute >= begin or minute < end
            for begin, end in self.spans
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Allows, or denies, these deeds where all conditions hold."""

    name: str
    allow: bool
    deeds: frozenset[str]
    because: str = ""
    conditions: tuple[Condition, ...] = ()
    restless: ClassVar[bool] = False
    """Whether what it says may change by itself."""

    @property
    def names_who(self) -> bool:
        """Whether it says whom it is about."""
        return any(condition.key == "who" for condition in self.conditions)

    def applies(self, question: Question) -> bool | None:
        """Whether it does; None while that depends on what is not known yet."""
        if question.do not in self.deeds:
            return False
        known: bool | None = True
        for condition in self.conditions:
            met = condition.met(question)
            if met is False:
                return False
            known = None if met is None else known
        return known

    def holds(self, question: Question) -> bool:
        """Whether it applies at last: a condition on what is not known then does not hold."""
        return self.applies(question) is True

    def why(self, question: Question) -> str:
        """The reason whoever is refused is told."""
        return self.because

    def obstacle(self, question: Question) -> str:
        """The key of the first condition that does not hold, or is not known to; empty: none."""
        if question.do not in self.deeds:
            return question.do
        return next((c.key for c in self.conditions if not c.met(question)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question written beside the rules, and what is to come of it: allow, deny, or a rule."""

    line: int
    question: Question
    expect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of them in order, and what holds where none applies."""

    rules: tuple[Rule, ...] = ()
    allow: bool = True
    cases: tuple[Case, ...] = ()

    def then(self, more: Self) -> Self:
        """These, and where none applies those others; at last, denied if either says so."""
        return replace(self, rules=(*self.rules, *more.rules), allow=self.allow and more.allow)

    def hours(self, minute: int) -> tuple[int, ...]:
        """Which spans of time it is in now: while this is the same, so is every verdict."""
        moved = minute if any(rule.restless for rule in self.rules) else 0
        if not (spans := self._spans()):
            return (moved,)
        now = Question(who="", service="", minute=minute)
        return (*(within.met(now) for within in spans), moved)

    def _spans(self) -> list[Within]:
        return [c for rule in self.rules for c in rule.conditions if isinstance(c, Within)]
