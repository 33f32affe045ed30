"""Who may use, serve and register which service: rules that people write, read and judged. Pure."""

from nsm.admission.judge import Step, Verdict, explain, foresee, judge
from nsm.admission.live import LiveRules
from nsm.admission.reading import read_rules, rules_in
from nsm.admission.rules import PROVEN, REGISTER, SERVE, USE, VOUCHED, Question, Rule, Rules
from nsm.admission.standing import Admission, everyone

__all__ = [
    "PROVEN",
    "REGISTER",
    "SERVE",
    "USE",
    "VOUCHED",
    "Admission",
    "LiveRules",
    "Question",
    "Rule",
    "Rules",
    "Step",
    "Verdict",
    "everyone",
    "explain",
    "foresee",
    "judge",
    "read_rules",
    "rules_in",
]
