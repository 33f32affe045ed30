"""Who may use, serve and register which service: rules that people write, read and judged. Pure.

What reads files of them stands in `live` and `reading`: most programs start without.
"""

from nsm.admission.judge import Step, Verdict, explain, foresee, judge
from nsm.admission.rules import PROVEN, REGISTER, SERVE, USE, VOUCHED, Question, Rule, Rules
from nsm.admission.standing import Admission, everyone

__all__ = [
    "PROVEN",
    "REGISTER",
    "SERVE",
    "USE",
    "VOUCHED",
    "Admission",
    "Question",
    "Rule",
    "Rules",
    "Step",
    "Verdict",
    "everyone",
    "explain",
    "foresee",
    "judge",
]
