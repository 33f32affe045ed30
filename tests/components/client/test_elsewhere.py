"""Whether anybody else may serve a vWire, as the registry tells it."""

from dataclasses import dataclass, field

import pytest

from nsm.api.connection import Connection, Path, Segment
from nsm.api.matching import is_like
from nsm.api.registration import Answer, Endpoint, NetworkService
from nsm.components.client.elsewhere import Elsewhere
from nsm.sdk import Clock


def way(*names: str, to: str) -> Connection:
    path = Path(0, tuple(Segment(name, f"{name}-id") for name in names))
    return Connection("web-0", "gate", path=path, endpoint=to)


DIRECT = way("web", "manager", "forwarder", "one", to="one")
THROUGH = way("web", "manager", "forwarder", "one", "one-client", "manager", "end", to="one")


@dataclass
class Told:
    """Both the way to a registry and what it knows."""

    known: list = field(default_factory=list)

    @property
    def endpoints(self):
        return self

    network_services = endpoints

    async def dial(self, url):
        return self

    async def find(self, call, query):
        for one in self.known:
            if type(one) is type(query.like) and is_like(one, query.like):
                yield Answer(one)


def asked(*known: str) -> Elsewhere:
    """Of a registry that knows these: for the gate, but for the `end`, which serves another."""
    services = (("gate",) if name != "end" else ("db",) for name in known)
    endpoints = [Endpoint(name, s) for name, s in zip(known, services, strict=True)]
    return Elsewhere(Told([NetworkService("gate", "IP"), *endpoints]), "unix:///nsm", Clock())


@pytest.mark.parametrize("conn", [DIRECT, THROUGH])
async def test_another_that_serves_it_may_be_chosen(conn: Connection) -> None:
    assert not await asked("one", "end")(conn)
    assert await asked("one", "two", "end")(conn)


async def test_where_the_end_is_gone_that_was_passed_on_to_there_may_be_another() -> None:
    """Whoever passes it on knows."""
    assert await asked("one")(THROUGH)
    assert not await asked("one")(DIRECT)
    assert not await asked("end")(DIRECT), "there is nobody to pass it on"
