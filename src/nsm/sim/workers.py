"""Processes that live through stories side by side, and none of which outlives who wants them."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from logging import CRITICAL, disable
from multiprocessing import active_children, parent_process
from threading import Thread

from nsm.sim.folders import remove_abandoned, remove_own


@contextmanager
def workers(jobs: int) -> Iterator[Executor]:
    """So many, who say nothing; given up half way they end at once."""
    with ProcessPoolExecutor(jobs, initializer=_begin) as pool:
        try:
            yield pool
        except BaseException:
            _end_children()
            raise


@contextmanager
def tidy() -> Iterator[None]:
    """Who is told to end takes along its workers and files; begins with what the killed left."""
    remove_abandoned()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _begin() -> None:
    """A worker ends with its parent, however that ends; an interrupt is the parent's to heed."""
    disable(CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _end(number: int, _: object) -> None:
    """In the middle of whatever it is: nothing of a story is worth to be ended in order."""
    _end_children()
    remove_own()
    os._exit(128 + number)


def _end_children() -> None:
    for child in active_children():
        child.terminate()
