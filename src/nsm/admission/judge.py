"""What the rules come to for one question: the first that applies wins."""

from dataclasses import dataclass

from nsm.admission.rules import Question, Rule, Rules

DEFAULT = "default"
"""What decided where no rule did."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed or not, by which rule, and why it says so."""

    allowed: bool
    rule: str
    because: str = ""

    def __str__(self) -> str:
        reason = f": {self.because}" if self.because else ""
        decided = "no rule applies" if self.rule == DEFAULT else f"rule {self.rule}"
        return f"{decided}{reason}"


@dataclass(frozen=True, slots=True)
class Step:
    """A rule, whether it applies, and if not for certain, which condition is in the way."""

    rule: Rule
    applies: bool | None
    obstacle: str


def judge(rules: Rules, question: Question) -> Verdict:
    """The verdict; a condition on what is not known does not hold."""
    for rule in rules.rules:
        if rule.holds(question):
            return _by(rule, question)
    return _at_last(rules)


def foresee(rules: Rules, question: Question) -> Verdict | None:
    """The verdict, if it is the same whatever comes of what is not known yet."""
    possible: set[bool] = set()
    for rule in rules.rules:
        applies = rule.applies(question)
        if applies:
            return _by(rule, question) if possible <= {rule.allow} else None
        if applies is None:
            possible.add(rule.allow)
    return _at_last(rules) if possible <= {rules.allow} else None


def explain(rules: Rules, question: Question) -> tuple[Step, ...]:
    """What each rule makes of the question, up to the one that decides."""
    steps = []
    for rule in rules.rules:
        applies = rule.applies(question)
        steps.append(Step(rule, applies, rule.obstacle(question)))
        if applies:
            break
    return tuple(steps)


def _by(rule: Rule, question: Question) -> Verdict:
    return Verdict(rule.allow, rule.name, rule.why(question))


def _at_last(rules: Rules) -> Verdict:
    return Verdict(rules.allow, DEFAULT)
