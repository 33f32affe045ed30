"""Rules as people write them, in YAML: read strictly, everything that is wrong said at once.

The text is data and nothing else. What can grow is bounded: bytes, rules, cases and patterns.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from nsm.admission.glob import Glob, IdGlob
from nsm.admission.judge import DEFAULT
from nsm.admission.rules import (
    DAY,
    DEEDS,
    PROVEN,
    VOUCHED,
    Case,
    Condition,
    ForService,
    Like,
    Question,
    Rule,
    Rules,
    Within,
    WithLabels,
)
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.values import BadFile, Fields, Problems, Value, closest, parse

T = TypeVar("T")
MOST_RULES = 10_000
MOST_PATTERNS = 100_000
"""In all rules together: a reference (`*name`) may say the same list many times."""
LONGEST = 2048
"""Characters of a pattern, as of a SPIFFE id."""
LONGEST_REASON = 500
ALLOW, DENY = "allow", "deny"
RESERVED = (ALLOW, DENY, DEFAULT)
"""What cases expect beside rules' names."""
IDS = ("who", "endpoint")
UPPER = ("payload", "mechanism")
"""Exact upper-case text on the wire; in rules, case does not matter."""
LIKE = (*IDS, "domain", *UPPER, "node")
TOP = ("default", "rules", "cases")
RULE = ("name", ALLOW, DENY, *LIKE, "service", "labels", "verified", "hours", "because")
CASE = (*DEEDS, *LIKE, "labels", "verified", "at", "expect")
_SPAN = re.compile(r"([0-9]{2}):([0-9]{2}) *- *([0-9]{2}):([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})")


def read_rules(text: str | bytes, file: str) -> Rules:
    """The rules that `text` says; BadFile tells all that is wrong, each with its line."""
    problems = Problems()
    root = _root(text, problems)
    rules = rules_in(root) if root else Rules()
    if problems.found:
        raise BadFile(file, problems.found)
    return rules


def rules_in(value: Value) -> Rules:
    """The rules in a value of a file; what is wrong is complained of there."""
    fields = value.fields(*TOP)
    reader = _Reader()
    default = fields.read("default", lambda value: value.choose(ALLOW, DENY), ALLOW)
    return Rules(
        allow=default == ALLOW,
        rules=reader.each(fields.get("rules"), "rules", reader.rule),
        cases=reader.each(fields.get("cases"), "cases", reader.case),
    )


def _root(text: str | bytes, problems: Problems) -> Value | None:
    try:
        said = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        problems.add(1, "the file is no text", "save it as UTF-8")
        return None
    return parse(said, problems)


class _Reader:
    """Reads rules and cases; knows the names and the number of patterns so far."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.patterns = 0

    def each(
        self, value: Value | None, what: str, read: Callable[[Value], T | None]
    ) -> tuple[T, ...]:
        """A list of rules or cases."""
        if value is None:
            return ()
        items = value.items(f"a list of {what}")
        if len(items) > MOST_RULES:
            value.wrong(f"{len(items)} {what}", f"write at most {MOST_RULES}")
            return ()
        found = [
            read(replace(item, name=f"{value.name}[{at}]")) for at, item in enumerate(items, 1)
        ]
        return tuple(one for one in found if one is not None)

    def rule(self, value: Value) -> Rule | None:
        """An entry of `rules:`."""
        if not value.is_mapping:
            value.expected("a rule, such as {name: nobody, deny: use, service: secret}")
            return None
        fields = value.fields(*RULE)
        allow, deeds = self.deeds(fields)
        return Rule(
            name=self.name(fields),
            allow=allow,
            deeds=deeds,
            because=fields.read("because", reason, ""),
            conditions=tuple(self.conditions(fields)),
        )

    def name(self, fields: Fields) -> str:
        """A rule's own name, or its place among the others."""
        value = fields.get("name")
        if value is None:
            return fields.owner.name
        text = value.word("a name") or fields.owner.name
        if text in RESERVED:
            value.wrong(f"no rule can be called {text!r}", "cases mean something else by it")
        elif not text.isprintable() or not 1 <= len(text) <= 128:
            value.wrong("no name", "use 1 to 128 characters that can be printed")
        elif text in self.names:
            value.wrong(
                f"{text!r} is the name of the rule in line {self.names[text]}", "choose another"
            )
        self.names.setdefault(text, value.line)
        return text

    def deeds(self, fields: Fields) -> tuple[bool, frozenset[str]]:
        """What a rule allows, or denies."""
        allow, deny = fields.get(ALLOW), fields.get(DENY)
        said = allow or deny
        if said is None or (allow and deny):
            fields.owner.wrong("allows or denies: one of the two", "write allow: use, or deny: use")
            return False, frozenset()
        return said is allow, frozenset(item.choose(*DEEDS) for item in said.one_or_more())

    def conditions(self, fields: Fields) -> Iterator[Condition]:
        """All that must hold, in the order in which it is cheapest to find out."""
        if value := fields.get("service"):
            yield ForService(self.globs(value, "service"))
        for key in LIKE:
            if value := fields.get(key):
                yield Like(key, self.globs(value, key))
        if value := fields.get("verified"):
            yield Like("verified", (Glob(value.choose(PROVEN, VOUCHED)),))
        if value := fields.get("labels"):
            yield WithLabels(labels(value))
        if value := fields.get("hours"):
            yield Within(value.texts(span))

    def globs(self, value: Value, key: str) -> tuple[Glob, ...]:
        """One pattern or more."""
        items = value.one_or_more()
        before = self.patterns
        self.patterns += len(items)
        if self.patterns > MOST_PATTERNS:
            if before <= MOST_PATTERNS:
                value.wrong("too many patterns", f"write at most {MOST_PATTERNS} in one file")
            return ()
        if not items:
            value.wrong("names nothing, so the rule never applies", "write a pattern, such as '*'")
        return tuple(glob for item in items if (glob := pattern(item, key)))

    def case(self, value: Value) -> Case | None:
        """An entry of `cases:`."""
        if not value.is_mapping:
            value.expected("a case, such as {who: spiffe://lab/web, use: secret, expect: deny}")
            return None
        fields = value.fields(*CASE)
        done = [deed for deed in DEEDS if deed in fields.found]
        if len(done) != 1:
            value.wrong("asks for one thing", "write use: my-service, or serve: or register:")
        expect = fields.need("expect", "expect: allow")
        fields.need("who", "who: spiffe://my-domain/web")
        return Case(
            line=value.line,
            question=question(fields, done[0]) if done else Question(who="", service=""),
            expect=self.expected(expect) if expect else ALLOW,
        )

    def expected(self, value: Value) -> str:
        """What is to come of a case."""
        text = value.word("allow, deny or the name of a rule") or ALLOW
        known = (*RESERVED, *self.names)
        if text not in known:
            value.wrong(f"no rule is called {text[:80]!r}", closest(text, known[:50]))
        return text


def question(fields: Fields, do: str) -> Question:
    """What a case asks."""
    said = {key: fields.read(key, Value.word, None) or "" for key in LIKE if key in fields.found}
    for key in UPPER:
        if key in said:
            said[key] = said[key].upper()
    service, _, domain = (fields.found[do].word("a service") or "").partition("@")
    return Question(
        do=do,
        service=service,
        who=said.get("who", ""),
        domain=said.get("domain", "") or domain,
        node=said.get("node", ""),
        endpoint=said.get("endpoint"),
        payload=said.get("payload"),
        mechanism=said.get("mechanism"),
        labels=fields.read("labels", labels, {}),
        verified=fields.read("verified", lambda value: value.choose(PROVEN, VOUCHED), PROVEN),
        minute=fields.read("at", time, 12 * 60),
    )


def pattern(value: Value, key: str) -> Glob | None:
    """A glob; one over ids that no id could be like is a mistake."""
    text = value.text("a pattern, such as 'spiffe://*/web*'")
    if text is None:
        return None
    if not text.isprintable() or not 1 <= len(text) <= LONGEST:
        value.wrong("no pattern", f"use 1 to {LONGEST} characters that can be printed")
        return None
    try:
        return IdGlob.parse(text) if key in IDS else Glob(text.upper() if key in UPPER else text)
    except Invalid as error:
        value.wrong(error.cause, error.fix)
        return None


def labels(value: Value) -> dict[str, str]:
    """Labels, by their keys."""
    found = {}
    for key, item in value.entries("labels, such as {app: web}"):
        text = item.word(f"the value of label {key}")
        if text is not None:
            found[key] = text
    return found


def reason(value: Value) -> str:
    """Why a rule says what it says; whoever is refused is told."""
    text = value.word("a reason") or ""
    if len(text) > LONGEST_REASON or not text.isprintable():
        value.wrong("no reason", f"write one line of at most {LONGEST_REASON} characters")
        return ""
    return text


def span(value: Value) -> tuple[int, int] | None:
    """Two times of the day, in minutes."""
    text = value.word("hours, such as 08:00-18:00") or ""
    found = _SPAN.fullmatch(text)
    if found:
        begin, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
        if begin is not None and end is not None and begin != end:
            return begin % DAY, end
    if text:
        value.wrong(f"{text[:40]!r} are no hours", "write from-to, UTC, such as 08:00-18:00")
    return None


def time(value: Value) -> int:
    """A time of the day, in minutes."""
    text = value.word("a time, such as 09:30") or ""
    minutes = moment(text)
    if minutes is None:
        value.wrong(f"{text[:40]!r} is no time", "write one such as 09:30, UTC")
    return minutes or 0


def moment(text: str) -> int | None:
    """The minute of the day that 09:30 means; None for what is no time."""
    found = _TIME.fullmatch(text)
    return _minutes(found[1], found[2]) if found else None


def _minutes(hours: str, minutes: str) -> int | None:
    at = int(hours) * 60 + int(minutes)
    return at if int(minutes) < 60 and at <= DAY else None
