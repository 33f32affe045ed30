"""Registries that hold what a test puts there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Generic

import pytest

from nsm.api.labels import Labels
from nsm.api.matching import is_like
from nsm.api.registration import Answer, Endpoint, NetworkService, Query, R
from nsm.api.timestamp import Timestamp
from nsm.errors import NsmError
from nsm.sdk import Call


@dataclass
class Shelf(Generic[R]):
    """Finds what is like the query among its records; fails as told; watches are for others."""

    records: list[R] = field(default_factory=list)
    asked: list[Query[R]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    failing: NsmError | None = None

    async def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        self.asked.append(query)
        self.calls.append(call)
        if self.failing:
            raise self.failing
        for record in self.records:
            if is_like(record, query.like):
                yield Answer(record)

    async def register(self, call: Call, record: R) -> R:
        raise NotImplementedError

    async def unregister(self, call: Call, record: R) -> None:
        raise NotImplementedError


def an_endpoint(
    name: str, service: str = "s", expires: float | None = None, **labels: str
) -> Endpoint:
    return Endpoint(
        name,
        (service,),
        {service: Labels(labels)},
        f"unix:///{name}",
        Timestamp.at(expires) if expires else None,
    )


@pytest.fixture
def services() -> Shelf[NetworkService]:
    return Shelf([NetworkService("s", "IP")])


@pytest.fixture
def endpoints() -> Shelf[Endpoint]:
    return Shelf()


@pytest.fixture
def endpoint():
    return an_endpoint
