"""What happened, as text and as one number that tells two runs apart."""

import asyncio
from hashlib import blake2b


class Trace:
    """Lines of who did what when; those of a replay are kept, those of many runs only hashed.

    Nothing goes in that differs between two runs of one seed: inodes, descriptors, paths.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.lines: list[tuple[float, str, str]] = []
        self.count = 0
        self._hash = blake2b(digest_size=12)

    def __call__(self, who: str, what: str, *, aloud: bool = False) -> None:
        """Note it; what is said `aloud` is kept in any case, as a story is told by it."""
        when = asyncio.get_running_loop().time()
        self.count += 1
        self._hash.update(f"{when:.6f} {who} {what}\n".encode())
        if self.keep or aloud:
            self.lines.append((when, who, what))

    @property
    def digest(self) -> str:
        """The same for the same story."""
        return self._hash.hexdigest()
