"""A client comes and goes, and nothing grows but what an endpoint keeps of each request."""

from itertools import islice
from pathlib import Path

import pytest
from tests.chaos.drawing import Drawn, responder

from .churn import churn, comings
from .flat import DESCRIPTORS
from .run import soak

TURNS = 12
"""Of which a third is warming up; what is kept of each shows twice over."""
LEAKY = '''
"""An endpoint that keeps something open of every request, which an audit does not count."""

import os

from nsm.endpoint import Element, serve

KEPT = []


class Keep(Element):
    async def request(self, call, request, next):
        KEPT.append(os.open("/proc/self/ns/net", os.O_RDONLY))
        return await next.request(call, request)


serve(Keep())
'''


@pytest.mark.linux
@pytest.mark.world
def test_what_comes_and_goes_leaves_nothing_but_where_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "leaky.py"
    file.write_text(LEAKY)
    endpoints = {
        "honest": responder("honest", "172.16.1.0/24", "n-2"),
        "leaky": {**responder("leaky", "172.16.2.0/24", "n-1"), "run": str(file)},
    }
    wants = ["kernel://honest/nsm-1", "kernel://leaky/nsm-2"]
    drawn = Drawn(0, ("n-1", "n-2"), endpoints, {"web": {"node": "n-1", "wants": wants}}, {})
    soaked = soak(drawn, 5.0, islice(comings(drawn), TURNS), print)
    assert not soaked.broken
    assert soaked.turns == TURNS
    grown = [(one.who, one.kind) for one in soaked.courses if not one.flat]
    assert grown == [("leaky", DESCRIPTORS)], "\n".join(soaked.table())
    assert len(soaked.wrong) == 1


def test_every_turn_is_as_the_world_has_it_and_spares_who_is_to_show_what_it_gathers() -> None:
    ends = {"one": responder("one", "172.16.1.0/24", "n-2")}
    drawn = Drawn(7, ("n-1", "n-2"), ends, {"web": {"node": "n-1", "wants": []}}, {})
    met = {fault.whom for fault in islice(churn(drawn), 100)}
    assert met == {"one", "web", "n-2"}
