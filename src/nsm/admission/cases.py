"""The questions written beside rules: whether each comes to what is expected."""

from dataclasses import dataclass

from nsm.admission.judge import Verdict, judge
from nsm.admission.rules import Case, Rules


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case."""

    case: Case
    verdict: Verdict

    @property
    def expected(self) -> bool:
        """Whether it is what was to come of it."""
        decided = "allow" if self.verdict.allowed else "deny"
        return self.case.expect in (decided, self.verdict.rule)


def run(rules: Rules) -> tuple[Outcome, ...]:
    """Every case, in the file's order."""
    return tuple(Outcome(case, judge(rules, case.question)) for case in rules.cases)
