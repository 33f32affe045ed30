"""What every attack stands on: somebody to attack, and somebody who may."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .raw import Wire
from .realm import Person, Realm
from .tapped import World, tapped


@pytest.fixture(autouse=True)
def no_attacker_stays_connected() -> Iterator[None]:
    """An attacker that failed, or succeeded, leaves no socket behind."""
    yield
    while Wire.made:
        Wire.made.pop().close()


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two nodes, listened to, saying all they can say; brought up once for all who look at it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: brings up a world, and listens to it")
    with tapped(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
async def realm(tmp_path: Path) -> AsyncIterator[Realm]:
    """A domain with registry, manager and forwarder."""
    made = Realm(tmp_path)
    try:
        await made.start({})
        yield made
    finally:
        await made.stop()


@pytest.fixture
def alice(realm: Realm) -> Person:
    """Whom nobody has anything against."""
    return realm.person("alice")


@pytest.fixture
def mallory(realm: Realm) -> Person:
    """A member of the domain that does what it likes."""
    return realm.person("mallory")
