"""Where manager and forwarder are programs of their own, each may be killed, too."""

from importlib import import_module

import pytest

from .felt import unharmed
from .lab import ROOT

pytestmark = [pytest.mark.linux, pytest.mark.world, pytest.mark.slow]


async def test_when_a_manager_or_a_forwarder_alone_is_killed_nothing_is_felt(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    bench = import_module("bench.apart")  # what is measured there is promised here
    felt = await bench.apart(times=2)
    assert set(felt) == set(bench.APART)
    assert [row for row, runs in felt.items() if not all(map(unharmed, runs))] == [], felt
