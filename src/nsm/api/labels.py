"""Labels that came as a message of their own, with whatever a newer peer put beside them."""


class Labels(dict[str, str]):
    """A mapping of label to value; `rest` is what else the message held, kept to be sent on."""

    __slots__ = ("rest",)

    def __init__(self, labels: dict[str, str] | None = None, rest: bytes = b"") -> None:
        super().__init__(labels or {})
        self.rest = rest
