"""Rules that stand in files, as those are now."""

import asyncio
import logging
from collections.abc import Sequence
from functools import reduce

from nsm.admission.files import understand
from nsm.admission.rules import Rules
from nsm.errors import NsmError
from nsm.sdk.clock import Clock
from nsm.sdk.live_file import LiveFile

log = logging.getLogger(__name__)

LONG = 16_384
"""Bytes that take some 40 ms to read."""


class RulesFile(LiveFile[Rules]):
    """One file. Nobody is let in because it is gone: what it said last holds on.

    Nor because it is half written: a change counts once it has stood for as long as it is from one
    look to the next, whether or not anybody has looked.
    """

    every = 0.25

    def __init__(self, path: str, clock: Clock) -> None:
        super().__init__(path, self.understand, Rules(), clock)
        self.glimpsed: object = None
        self.reading: asyncio.Future[Rules] | None = None

    def understand(self, text: bytes) -> Rules:
        """What a text says; a long one is read beside the loop, and until then nothing changes."""
        self.reading = None
        if len(text) <= LONG or self.meaning is self.empty:
            return understand(text, self.path)
        loop = asyncio.get_running_loop()
        self.reading = loop.run_in_executor(None, understand, text, self.path)
        self.reading.add_done_callback(self.understood)
        return self.meaning

    def understood(self, reading: "asyncio.Future[Rules]") -> None:
        """A long text has been read."""
        if reading.cancelled() or reading is not self.reading:
            return
        try:
            self.meaning = reading.result()
        except NsmError as error:
            log.warning("%s is no use, what it said before stays: %s", self.path, error)

    def settled(self, version: object, written: float) -> bool:
        before, self.glimpsed = self.glimpsed, version
        stood = version == before or self.clock.now() - written >= self.every
        return stood or self.meaning is self.empty

    def gone(self) -> None:
        if self.seen is not None:
            log.warning("%s is gone, what it said last holds on", self.path)
        self.seen = None


class LiveRules:
    """The rules of some files, in order; Invalid if any of them cannot be read to begin with.

    The answer is the same object until something changes.
    """

    def __init__(self, paths: Sequence[str], clock: Clock) -> None:
        self.files = [RulesFile(path, clock) for path in paths]
        self.parts = [file.demand() for file in self.files]
        self.whole = reduce(Rules.then, self.parts)

    def __call__(self) -> Rules:
        """What holds now."""
        parts = [file() for file in self.files]
        if any(new is not old for new, old in zip(parts, self.parts, strict=True)):
            self.parts, self.whole = parts, reduce(Rules.then, parts)
            log.info("the admission rules have changed")
        return self.whole
