"""Messages as bytes: the one reader of generated code."""

from nsm.wire.methods import METHODS, Method
from nsm.wire.nouns import Empty, decode, encode

__all__ = ["METHODS", "Empty", "Method", "decode", "encode"]
