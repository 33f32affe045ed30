"""Files, how they are called, and how many are open."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, Mechanism
from nsm.sdk.testing import CarriedFiles


@dataclass
class File:
    path: Path

    def __post_init__(self) -> None:
        self.path.touch()
        found = self.path.stat()
        self.url = f"file://{self.path}"
        self.wire = f"inode://{found.st_dev}/{found.st_ino}"

    def mechanism(self, url: str) -> Mechanism:
        return Mechanism(LOCAL, KERNEL, {INODE_URL: url})

    def sent_on(self, files: CarriedFiles) -> None:
        fd = os.open(self.path, os.O_PATH)
        files.send(fd)
        os.close(fd)

    def is_behind(self, url: str) -> bool:
        return os.path.samefile(url.removeprefix("file://"), self.path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "netns")


@pytest.fixture
def other(tmp_path: Path) -> File:
    return File(tmp_path / "other")


@pytest.fixture
def files() -> Iterator[CarriedFiles]:
    carried = CarriedFiles()
    yield carried
    carried.close()


@pytest.fixture
def open_files(tmp_path: Path) -> Callable[[], int]:
    """How many descriptors of the test's own files are open."""

    def count() -> int:
        links = [Path(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        return sum(str(link.resolve()).startswith(str(tmp_path)) for link in links)

    return count
