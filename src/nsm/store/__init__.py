"""Records that outlive the program which keeps them: one SQLite file, written by one thread."""

from nsm.store.shelf import Kept, Shelf, Shelves
from nsm.store.store import Store

__all__ = ["Kept", "Shelf", "Shelves", "Store"]
