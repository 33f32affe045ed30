"""What tests of whole meshes stand on: a lab for each module, and nothing left at the end."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import PREFIX, RUN, Lab, eventually, run
from .scenes import Scene


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left() -> Iterator[None]:
    """When all is over, the host is as it was."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    before = of_host()
    yield
    eventually(lambda: of_host() <= before)  # others may test in passing
    assert not [path for path in RUN.glob("*") if path.name.lstrip(".").startswith(PREFIX)]
    assert f"{RUN}/{PREFIX}" not in Path("/proc/self/mountinfo").read_text()


def of_host() -> set[str]:
    """Interfaces, rules, static routes and nft tables of the host's own namespace."""
    links = re.findall(r"^\d+: ([^:@]+)", run("ip", "-o", "link").out, re.MULTILINE)
    asked = (
        *(("ip", version, "rule") for version in ("-4", "-6")),
        *(
            ("ip", version, "route", "show", "table", "all", "proto", "static")
            for version in ("-4", "-6")
        ),
        ("nft", "list", "tables"),
    )
    return {*links, *(line for words in asked for line in run(*words).out.splitlines())}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Meshes that live as long as a module's tests."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def kept(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A mesh that feels every death, and is broken by each test of a module."""
    return Scene(lab, tmp_path_factory.mktemp("felt"))


@pytest.fixture
def scene(kept: Scene) -> Scene:
    """The same, whole again."""
    kept.whole()
    return kept


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Meshes that a single test may break."""
    lab = Lab(tmp_path_factory.mktemp("bench"))
    yield lab
    lab.down()
