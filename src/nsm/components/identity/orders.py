"""What a running authority can be told over its admin socket: one JSON line each way."""

import msgspec

LIMIT = 4 << 20
"""Bytes of one line; ten thousand entries have less."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    """A question or an order; `do` says which."""


class List(Order, frozen=True, tag="list"):
    """Who is who."""


class Add(Order, frozen=True, kw_only=True, tag="add"):
    """One more entry, as the file of entries writes it."""

    entry: dict[str, str | int]


class Remove(Order, frozen=True, kw_only=True, tag="rm"):
    """Every entry of this id, or with `entry` this very one."""

    id: str
    entry: dict[str, str | int] | None = None


class Rotate(Order, frozen=True, kw_only=True, tag="rotate"):
    """New leaves for everyone, perhaps by a new intermediate; or a new root, which signs later."""

    what: str = "leaf"


Any = List | Add | Remove | Rotate
