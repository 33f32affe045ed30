"""A connection's life without `Begin`, for elements tested alone."""

from collections.abc import Callable

from nsm.sdk.call import Call, Change, Life


class Lifetime:
    """`call` is part of a life of its own; what elements ask of that life stands in `asked`."""

    def __init__(self, call: Call | None = None) -> None:
        self.asked: list[str] = []
        self.life = Life(self._note("refresh"), self._note("close"), self._again)
        self.call = (call or Call()).within(self.life)

    def _note(self, what: str) -> Callable[[], None]:
        return lambda: self.asked.append(what)

    async def _again(self, change: Change | None) -> None:
        self.asked.append("again changed" if change else "again")
