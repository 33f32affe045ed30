"""Rules as a Python function, for what conditions cannot say.

    def admit(asked):
        if asked.service == "vault" and len(asked.labels) > 3:
            return "the vault takes no more than three labels"

`asked` has what a question has. True allows; False and a text deny, the text being the reason; None
leaves it to what comes after. Whatever else it does denies: a rule that fails lets nobody in.
"""

import ast
import inspect
import json
import logging
import os
import stat
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from nsm.admission.asked import Asked
from nsm.admission.reading import LONGEST_REASON, rules_in
from nsm.admission.rules import DEEDS, Case, Question, Rule, Rules
from nsm.nouns import replace
from nsm.values import LIMIT, BadFile, Problem, Problems, parse

log = logging.getLogger(__name__)

FUNCTION, CASES = "admit", "CASES"
Answer = tuple[bool | None, str, str]
"""Allowed, denied or neither; the reason; and what it waits for, where it does."""


class Function:
    """The function of one file; the last answer is remembered."""

    def __init__(self, name: str, said: Callable[[Asked], object]) -> None:
        self.name = name
        self._said = said
        self._last: tuple[Question | None, bool, Answer] = (None, False, (None, "", ""))
        self._complained = False

    def answer(self, question: Question, *, at_last: bool) -> Answer:
        """What it says of a question, `at_last` also if not all of that is known."""
        if self._last[0] is not question or self._last[1] is not at_last:
            self._last = question, at_last, self._ask(question, at_last)
        return self._last[2]

    def _ask(self, question: Question, at_last: bool) -> Answer:
        asked = Asked(question, at_last=at_last)
        try:
            answer = self._said(asked)
        except (Exception, SystemExit) as error:
            if not asked.waits_for:
                return False, self._failed(error), ""
            answer = None
        if asked.waits_for:
            return None, "", asked.waits_for
        match answer:
            case None | True:
                return answer, "", ""
            case False | str():
                return False, _fit(answer or ""), ""
        return False, f"it answered neither yes nor no, but {type(answer).__name__[:40]}", ""

    def _failed(self, error: BaseException) -> str:
        if not self._complained:
            self._complained = True
            kind, line = type(error).__name__, _line(error, self.name)
            log.error("%s failed, and denies: %s in line %d", self.name, kind, line)
        return "the rule failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedRule(Rule):
    """Applies where the function says the same: one allows, the other denies."""

    function: Function
    restless = True

    def applies(self, question: Question) -> bool | None:
        allowed, _, waits_for = self.function.answer(question, at_last=False)
        return None if waits_for else allowed is self.allow

    def holds(self, question: Question) -> bool:
        return self.function.answer(question, at_last=True)[0] is self.allow

    def why(self, question: Question) -> str:
        return self.function.answer(question, at_last=True)[1]

    def obstacle(self, question: Question) -> str:
        allowed, _, waits_for = self.function.answer(question, at_last=False)
        return waits_for or ("" if allowed is self.allow else FUNCTION)


def read(text: bytes, path: Path) -> Rules:
    """The rules that a file of Python says; BadFile where it is none, or anybody may write it."""
    _check_place(path)
    if len(text) > LIMIT:
        raise _bad(path, 1, f"more than {LIMIT >> 20} MiB", "say less")
    tree, code = _compiled(text, path)
    names: dict[str, Any] = {"__name__": f"admission.{path.stem}", "__file__": str(path)}
    try:
        exec(code, names)
    except (Exception, SystemExit) as error:
        raise _bad(
            path, _line(error, path.name), f"fails: {type(error).__name__}", "mend it"
        ) from None
    said = names.get(FUNCTION)
    if not inspect.isfunction(said) or inspect.iscoroutinefunction(said):
        raise _bad(path, 1, f"no function called {FUNCTION}", f"write def {FUNCTION}(asked): …")
    function = Function(path.name, said)
    rules = tuple(
        CodedRule(name=path.name, allow=allow, deeds=frozenset(DEEDS), function=function)
        for allow in (False, True)
    )
    return Rules(rules=rules, cases=_cases(names.get(CASES), tree, path))


def _compiled(text: bytes, path: Path) -> tuple[ast.Module, CodeType]:
    try:
        tree = ast.parse(text, str(path))
        return tree, compile(tree, str(path), "exec")
    except SyntaxError as error:
        raise _bad(path, error.lineno or 1, f"no Python: {error.msg}", "mend it") from None
    except (ValueError, RecursionError, MemoryError):
        raise _bad(path, 1, "no Python", "mend it") from None


def _check_place(path: Path) -> None:
    """What is run must be the operator's word, and nobody else's."""
    about = os.stat(path)
    if about.st_mode & stat.S_IWOTH or about.st_uid not in (0, os.geteuid()):
        raise _bad(path, 0, "may be written by others, and would be run", "chown and chmod it")


def _cases(said: object, tree: ast.Module, path: Path) -> tuple[Case, ...]:
    """Mappings as in YAML, under the name CASES; each has the line it is written in."""
    if said is None:
        return ()
    problems = Problems()
    known = [{"name": path.name, "deny": [*DEEDS]}]  # what they may expect to decide
    try:
        root = parse(json.dumps({"rules": known, "cases": said}), problems)
    except (TypeError, ValueError):
        raise _bad(path, _lines(tree)[0], f"{CASES} is no list of cases", "see YAML's") from None
    found = rules_in(root).cases if root else ()
    if problems.found:
        lines = [replace(one, line=_lines(tree)[0]) for one in problems.found]
        raise BadFile(str(path), lines)
    first, *each = _lines(tree)
    if len(each) != len(found):
        each = [first] * len(found)
    return tuple(replace(case, line=line) for case, line in zip(found, each, strict=True))


def _lines(tree: ast.Module) -> list[int]:
    """Where the cases begin, and each of them."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == CASES:
            items = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return [node.lineno, *(item.lineno for item in items)]
    return [1]


def _line(error: BaseException, file: str) -> int:
    """Where in the file something failed."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if Path(frame.filename).name == file]
    return lines[-1] if lines else 0


def _fit(reason: str) -> str:
    """Fit to be shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in reason[:LONGEST_REASON])
    return shown.strip()


def _bad(path: Path, line: int, what: str, fix: str) -> BadFile:
    return BadFile(str(path), [Problem(line, what, fix)])
