"""Whom a word on the command line means. Pure."""

from collections.abc import Mapping

from nsm.errors import Invalid, NotFound
from nsm.world.jobs import Job

HALVES = ("manager", "forwarder")
"""Both are said of the one process that a node runs."""


def find(jobs: Mapping[str, Job], who: str) -> Job:
    """A workload, endpoint, node or program of the mesh's own; NotFound says what there is."""
    kind, at, place = who.partition("@")
    for name in (who, f"node@{who}", f"node@{place}" if kind in HALVES else who):
        if name in jobs:
            return jobs[name]
    alike = [] if at else [name for name in jobs if name.startswith(f"{who}@")]
    if len(alike) == 1:
        return jobs[alike[0]]
    if alike:
        raise Invalid(f"{who!r} may be any of {', '.join(alike)}", fix="say which")
    raise NotFound(f"there is no {who[:60]!r} in this mesh", fix=f"there are {', '.join(jobs)}")
