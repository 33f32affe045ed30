"""Whole domains in one process."""

from pathlib import Path

import pytest

from nsm.sdk.clock import LoopClock

from .meshes import Mesh


@pytest.fixture
async def mesh(tmp_path: Path):
    mesh = Mesh(tmp_path, LoopClock())
    yield mesh
    await mesh.stop()


@pytest.fixture
async def unix_mesh(tmp_path: Path):
    """The same, where nobody listens on TCP."""
    mesh = Mesh(tmp_path, LoopClock(), sockets_only=True)
    yield mesh
    await mesh.stop()
