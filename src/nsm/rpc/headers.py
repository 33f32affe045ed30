"""HPACK that remembers: most header blocks of a connection are the same ones again.

Headers that change with every call, tokens above all, are sent literally and never indexed, so the
peer's table comes to rest and whole blocks keep their encoding. There is no Huffman coding: it is
pure Python on both sides, and dearer than the bytes it saves.
"""

from collections.abc import Iterable
from typing import Any

from hpack import Decoder, Encoder, NeverIndexedHeaderTuple
from hpack.hpack import encode_integer
from hpack.table import HeaderTable

MOST_KNOWN = 256
LONGEST_KNOWN = 32
INDEXED = 0x80
"""The bit of a header that is nothing but a place in the table (RFC 7541 §6.1)."""
NEVER_INDEXED = b"\x10"


class _Snapshot:
    """A table as it is. Its newest entry is held here, so no later one can look like it."""

    def __init__(self, table: HeaderTable) -> None:
        self._table = table
        self._size, self._newest = self._look()

    def _look(self) -> tuple[int, object]:
        entries = self._table.dynamic_entries
        return len(entries), entries[0] if entries else None

    @property
    def holds(self) -> bool:
        """Whether nothing was put in or dropped since."""
        size, newest = self._look()
        return size == self._size and newest is self._newest


class RememberingEncoder(Encoder):
    """Encodes what leads a block once, and what is never indexed by hand."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[Any, ...], bytes] = {}

    def encode(self, headers: Any, huffman: bool = False) -> bytes:
        lasting = [h for h in headers if not isinstance(h, NeverIndexedHeaderTuple)]
        secret = [h for h in headers if isinstance(h, NeverIndexedHeaderTuple)]
        return self._lasting(tuple(lasting)) + _literally(secret)

    def _lasting(self, headers: tuple[Any, ...]) -> bytes:
        known = self._known.get(headers)
        if known is not None and not self.header_table.resized:
            return known
        resized, before = self.header_table.resized, _Snapshot(self.header_table)
        block = super().encode(headers, huffman=False)
        if resized or not before.holds:
            self._known.clear()
        elif len(self._known) < MOST_KNOWN:
            self._known[headers] = block
        return block


class RememberingDecoder(Decoder):
    """Decodes a short block of table places once, for as long as the table is the same."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[bytes, list[Any]] = {}

    def decode(self, data: Any, raw: bool = False) -> Any:
        block = bytes(data)
        known = self._known.get(block)
        if known is not None:
            return list(known)
        before = _Snapshot(self.header_table)
        headers = list(super().decode(block, raw))
        if not before.holds:
            self._known.clear()
        elif len(block) <= LONGEST_KNOWN and min(block, default=0) >= INDEXED:
            if len(self._known) == MOST_KNOWN:
                self._known.clear()
            self._known[block] = list(headers)
        return headers


def _literally(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    parts: list[bytes | bytearray] = []
    for name, value in headers:
        parts += (
            NEVER_INDEXED,
            encode_integer(len(name), 7),
            name,
            encode_integer(len(value), 7),
            value,
        )
    return b"".join(parts)
