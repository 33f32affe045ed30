"""What the admission rules have let in, and a watch over whether they still would."""

import asyncio
import logging
from weakref import WeakSet

from nsm.admission import Admission, Question
from nsm.sdk import Life, Tasks

log = logging.getLogger(__name__)

LOOK = 0.25
"""Seconds between two looks at whether the rules have changed, while anything stands."""
AT_ONCE = 256
"""Connections judged before others may go on."""


class Admitted:
    """A connection that stands, and the question that was answered with yes."""

    def __init__(self, life: Life, question: Question) -> None:
        self.life = life
        self.question = question


class Vigil:
    """Closes what would not be let in any more; what nobody else holds is forgotten."""

    def __init__(self, admission: Admission, tasks: Tasks) -> None:
        self.admission = admission
        self.tasks = tasks
        self.all: WeakSet[Admitted] = WeakSet()
        self.watching: asyncio.Task[None] | None = None

    def keep(self, admitted: Admitted) -> None:
        """Watch over this one, too; rules that nobody wrote stay as they are."""
        self.all.add(admitted)
        if not self.admission.written:
            return
        if self.watching is None or self.watching.done():
            self.watching = self.tasks.start("admission", self._watch())

    async def _watch(self) -> None:
        """Judge again whenever the rules, or the hours they speak of, have changed."""
        state: object = None
        while self.all:
            if (now := self.admission.state) != state:
                state = now
                await self._judge()
            await self.admission.clock.sleep(LOOK)

    async def _judge(self) -> None:
        for number, admitted in enumerate(list(self.all), 1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            question = admitted.question
            if not self.admission.allows(question):
                log.info("%s may no longer use %s", question.who, question.service)
                admitted.life.close_soon()
