"""Encode what many receive only once."""

from nsm.wire import encode

KEPT = 16
LARGEST = 65536


class Once:
    """Encodes nouns, and knows the last few objects again: an event goes to many watchers."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[object, bytes]] = {}

    def __call__(self, noun: object) -> bytes:
        """The noun as bytes."""
        known = self._recent.get(id(noun))
        if known is not None:  # we hold the object, so its id is its own
            return known[1]
        data = encode(noun)
        if len(data) <= LARGEST:
            if len(self._recent) == KEPT:
                del self._recent[next(iter(self._recent))]
            self._recent[id(noun)] = (noun, data)
        return data
