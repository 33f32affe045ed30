"""A web, a manager and a forwarder with real certificates, and the path between them."""

from dataclasses import dataclass

import pytest

from nsm.api.connection import Connection, Path, Segment
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.sdk import Clock, Life, Peer


@dataclass
class FakeChannel:
    peer: Peer


@dataclass
class Mesh:
    web: FakeSource
    manager: FakeSource
    forwarder: FakeSource
    other: FakeSource

    def conn(self, index: int, *tokens: str) -> Connection:
        names = ("web", "manager", "forwarder")
        segments = tuple(
            Segment(name, f"id-{name}", token) for name, token in zip(names, tokens, strict=False)
        )
        return Connection(id=segments[index].id, path=Path(index, segments))

    def token(self, by: FakeSource, to: FakeSource) -> str:
        return by.issue(to.peer()).text

    def asked(self) -> Connection:
        """What a manager that web asks has in hand."""
        return self.conn(1, self.token(self.web, self.manager), self.token(self.manager, self.web))

    def answered(self) -> Connection:
        """What web has in hand when the manager has answered."""
        return self.conn(0, *(segment.token for segment in self.asked().hops.segments))

    def life(self) -> Life:
        return Life(lambda: None, lambda: None, lambda _: None)

    def channel(self, to: FakeSource) -> FakeChannel:
        return FakeChannel(to.peer())


@pytest.fixture(scope="session")
def mesh() -> Mesh:
    authority = Authority("test", Clock())
    names = ("web", "manager", "forwarder", "other")
    return Mesh(*(FakeSource.of(f"spiffe://test/ns/x/{name}", authority) for name in names))
