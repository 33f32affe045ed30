"""What was tried in turn, and one error that says how all of it went."""

from nsm.errors import NsmError, Unreachable

MOST_TOLD = 8
"""Failures named in the error; a peer may be sent to hundreds of candidates."""


class Attempts:
    """Collects failures; the error keeps their kind where they agree on one.

    A failure knows by its traceback the frame that keeps us: so we keep none with its traceback,
    and none beyond the error. Else each would hold itself, and all that was asked with it.
    """

    def __init__(self, goal: str) -> None:
        self.goal = goal
        self.failures: list[tuple[str, NsmError]] = []

    def failed(self, what: str, error: NsmError) -> None:
        """Remember that `what` was tried and failed so."""
        self.failures.append((what, error.with_traceback(None)))

    def error(self) -> NsmError:
        """The only failure itself, or one that tells of them all; they are forgotten."""
        failures, self.failures = self.failures, []
        if len(failures) == 1:
            what, only = failures[0]
            only.add_note(f"{self.goal}: {what} was the only one tried")
            return only
        kinds = {type(error) for _, error in failures}
        kind = kinds.pop() if len(kinds) == 1 else Unreachable
        told = [f"{what}: {error}" for what, error in failures[:MOST_TOLD]]
        more = len(failures) - len(told)
        tail = f"; and {more} more" if more else ""
        return kind(f"{self.goal}: none of {len(failures)} did: {'; '.join(told)}{tail}")
