"""Interfaces named in a path's metrics, where upstream's tools look for them (W §2.1)."""

from nsm.api.connection import Connection
from nsm.api.mechanism import NAME, Mechanism
from nsm.nouns import replace

SERVER, CLIENT = "server_interface", "client_interface"
"""Towards the client, and towards the endpoint."""


def with_metric(conn: Connection, key: str, mechanism: Mechanism | None) -> Connection:
    """Say in our own segment what `mechanism` made, unless that is said already."""
    path = conn.path
    if not path or not mechanism or path.index >= len(path.segments):
        return conn
    ours, said = path.segments[path.index], f"{mechanism.type}/{mechanism.get(NAME)}"
    if ours.metrics.get(key) == said:
        return conn
    named = replace(ours, metrics={**ours.metrics, key: said})
    return replace(conn, path=path.with_segment(path.index, named))
