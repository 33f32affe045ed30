"""What a function of rules is handed: a question whose parts may not all be known yet."""

from typing import Any

from nsm.admission.rules import Question
from nsm.errors import NsmError

PARTS = frozenset(Question.__dataclass_fields__)


class NotKnownYet(NsmError):
    """The endpoint, payload or mechanism is known only when the vWire is there."""


class Asked:
    """A question, to be read; to look at what is not known yet is to be asked again when it is.

    `at_last` what is not known is None.
    """

    def __init__(self, question: Question, *, at_last: bool) -> None:
        self.waits_for = ""
        self._question = question
        self._at_last = at_last

    def __getattr__(self, part: str) -> Any:
        if part not in PARTS:
            raise AttributeError(f"a question has no {part}; it has {', '.join(sorted(PARTS))}")
        value = getattr(self._question, part)
        if value is None and not self._at_last:
            self.waits_for = self.waits_for or part
            raise NotKnownYet(f"the {part} is not known yet")
        return dict(value) if part == "labels" else value
