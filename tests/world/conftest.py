"""What tests of real worlds stand on: a home of their own, and nothing left when they end."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsm.world.ground import Home
from nsm.world.sweep import sweep


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A place for a mesh that is nobody else's; short, because socket paths are."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    base = Path(tempfile.gettempdir()) / uuid.uuid4().hex[:8]
    home = Home("lab", base)
    home.root.mkdir(parents=True)
    yield home
    sweep(home)
    assert not base.exists()
