"""Every mutation there is."""

from . import addresses, lives, wires
from .mutation import ALL, Mutation

__all__ = ["ALL", "Mutation", "addresses", "lives", "wires"]
