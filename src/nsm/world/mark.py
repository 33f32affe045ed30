"""Whose a process is: each is marked with the folder of the mesh that it was started for."""

import os
from dataclasses import dataclass
from typing import Self

from nsm.world import procfs
from nsm.world.ground import MARKER, Home


@dataclass(frozen=True, slots=True)
class Mark:
    """A mesh's folder, by its path and by what we find there.

    In another mount namespace there may be another mesh behind the same path.
    """

    root: str
    found: procfs.Key | None

    @classmethod
    def of(cls, home: Home) -> Self:
        """The one that this mesh's processes bear."""
        return cls(str(home.root), procfs.found(os.getpid(), home.root))

    def is_on(self, pid: int) -> bool:
        """Whether a process bears it, and finds the same behind it."""
        if procfs.environment(pid).get(MARKER) != self.root:
            return False
        return procfs.found(pid, self.root) == self.found
