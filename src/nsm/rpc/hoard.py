"""What half-received messages may take of this process's memory, over all who call."""

SMALL = 64 * 1024
"""Bytes of one caller that are not worth counting: its connection takes as much."""


class Hoard:
    """At most about `most` bytes together, twice that at worst: who holds more than a share gives.

    A share is what each has when all that hold anything have the same; so one who hoards is found
    out, and one who just came with an ordinary message is not.
    """

    def __init__(self, most: int) -> None:
        self.total = 0
        self._most = most
        self._held: dict[object, int] = {}

    def __len__(self) -> int:
        """How many hold anything that counts."""
        return len(self._held)

    def note(self, who: object, size: int) -> bool:
        """`who` holds that many bytes now; whether that is too much."""
        if size <= SMALL and who not in self._held:
            return False
        self.total += size - self._held.pop(who, 0)
        if size <= SMALL:
            self.total -= size
            return False
        self._held[who] = size
        return self.total > self._most and size >= self._most // len(self._held)


SHARED = Hoard(16 * 1024 * 1024)
