"""What outlives the program that keeps it: records in one SQLite file, and notes line by line."""

from nsm.store.notes import Notes
from nsm.store.shelf import Kept, Shelf, Shelves
from nsm.store.store import Store

__all__ = ["Kept", "Notes", "Shelf", "Shelves", "Store"]
