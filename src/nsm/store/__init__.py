"""Records that outlive the program which keeps them: one SQLite file, written by one thread."""

from nsm.store.shelf import Kept, Shelf
from nsm.store.store import Store

__all__ = ["Kept", "Shelf", "Store"]
