"""The admission rules of a mesh that is up, and who is who in it, for whoever asks about them."""

from dataclasses import dataclass
from functools import reduce
from typing import Any

from nsm.admission import Rules, everyone, files
from nsm.errors import NotFound
from nsm.identity.spiffe import SCHEME, SpiffeId
from nsm.world.admission import paths
from nsm.world.ground import Home, member

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody rules can be asked about: an id, the domain whose rules hold, and where it runs."""

    id: str
    domain: str
    node: str = ""


def asker(status: Json, who: str) -> Asker:
    """A workload, endpoint or node of the mesh, or any SPIFFE id; NotFound says what there is."""
    domains = [domain["name"] for domain in status["domains"]]
    if who.startswith(SCHEME):
        own = SpiffeId.parse(who).trust_domain
        return Asker(who, own if own in domains else domains[0])
    mesh = status["mesh"]
    for one in (*status["workloads"], *status["endpoints"]):
        if one["name"] == who:
            return Asker(member(one["domain"], mesh, who), one["domain"], one["node"])
    node = who.partition("@")[2] or who
    for domain in status["domains"]:
        if node in domain["nodes"]:
            return Asker(member(domain["name"], mesh, f"manager-{node}"), domain["name"], node)
    known = [one["name"] for kind in ("workloads", "endpoints") for one in status[kind]]
    raise NotFound(f"there is no {who[:60]!r} in this mesh", fix=f"there are {', '.join(known)}")


def rules_of(home: Home, domain: str) -> Rules:
    """What the programs of the domain go by."""
    kept = paths(home, domain)
    if not all(file.exists() for file in kept):
        return everyone(domain)
    return reduce(Rules.then, map(files.load, kept))
