"""What comes and goes in a soak, turn by turn. Pure.

The registry, the first node and who signs are spared, so that what they would gather shows: chaos
kills them, too. Whoever is killed begins anew.
"""

from collections.abc import Iterator
from itertools import cycle
from random import Random

from tests.chaos.drawing import Drawn
from tests.chaos.schedule import CRASH, GONE, TERM, Fault

ENDING = 0.5
"""Seconds a program that is told to end has, before it is started again."""
EVERY = 12
"""Turns after which another node is killed."""


def churn(drawn: Drawn) -> Iterator[Fault]:
    """Clients and endpoints leave and come, are killed, also with their namespaces; then a node."""
    chance = Random(f"churn {drawn.seed}")
    clients, endpoints = sorted(drawn.workloads), sorted(drawn.endpoints)
    nodes = cycle(drawn.nodes[1:])
    while True:
        for kind in chance.sample((TERM, TERM, CRASH, GONE), 4) * (EVERY // 4):
            role = chance.choice(("client", "client", "endpoint"))
            whom = chance.choice(clients if role == "client" else endpoints)
            yield Fault(kind, whom, role, 0.0 if kind == CRASH else ENDING)
        yield Fault(CRASH, next(nodes), "node")


def comings(drawn: Drawn) -> Iterator[Fault]:
    """Clients leave one after the other, and come again: nobody is killed."""
    for whom in cycle(sorted(drawn.workloads)):
        yield Fault(TERM, whom, "client", ENDING)
