"""Figures of the policies alone: what every hop pays to judge whoever asks it. Times in µs.

Uncached: tokens nobody here has seen, as a hop's neighbours have after each refresh. Cached: the
same path again, as for the many connections and the answers of one caller.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figures import Report
from nsm.api.connection import Path as Hops
from nsm.api.connection import Segment
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.evidence import Evidence, of_asker
from nsm.identity.fake import FakeSource
from nsm.identity.policies import SERVER, Policies
from nsm.sdk import Clock

SEGMENTS, PATHS = 6, 300
OWN = "package nsm\ndefault valid = false\nvalid { input.path_segments[0].name == `hop-0` }\n"


async def measure(quick: bool = False) -> Report:
    """One process; every path is judged once uncached, then again."""
    paths = honest(PATHS // 3 if quick else PATHS)
    chosen, report = Policies.select(SERVER), Report()
    fresh = [uncached(chosen, seen) for seen in paths]
    again = [cached(chosen, seen) for seen in paths]
    add(report, "the server set, six segments", fresh, 150.0)
    add(report, "the same again", again, 30.0)
    with tempfile.TemporaryDirectory() as folder:
        (own := Path(folder, "own.rego")).write_text(OWN)
        mine = Policies.select([str(own)])
        asked = []
        for seen in paths:
            begun = perf_counter()
            await mine.judge(seen, "here")
            asked.append(perf_counter() - begun)
    add(report, "a .rego file of one's own", asked, None)
    return report


def add(report: Report, name: str, samples: list[float], goal: float | None) -> None:
    micros = sorted(sample * 1e6 for sample in samples)
    p99 = round(micros[int(len(micros) * 0.99)], 1)
    report.raw[name] = micros
    report.add(name, median(micros), "µs", goal=goal, p99=p99)


def honest(count: int) -> list[Evidence]:
    """Paths as the sixth hop sees them, no two with a token in common."""
    clock = Clock()
    authority = Authority("bench", clock)
    hops = [FakeSource.of(f"spiffe://bench/{n}", authority) for n in range(SEGMENTS)]
    found = []
    for number in range(count):
        until = clock.now() + 600 + number
        segments = []
        for at, hop in enumerate(hops):
            to = hops[at + 1] if at + 1 < SEGMENTS else hops[at - 1]
            said = jwt.Claims(hop.id, (to.id,), until)
            segments.append(Segment(f"hop-{at}", str(at), jwt.sign(said, hop.svid.key)))
        path = Hops(SEGMENTS - 1, tuple(segments))
        found.append(of_asker(path, hops[-2].peer(), clock.now()))
    return found


def uncached(chosen: Policies, seen: Evidence) -> float:
    jwt.read.cache_clear()
    jwt.signed_by.cache_clear()
    return lasting(lambda: chosen.check(seen, "here"))


def cached(chosen: Policies, seen: Evidence) -> float:
    chosen.check(seen, "here")
    return lasting(lambda: chosen.check(seen, "here"))


def lasting(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun
