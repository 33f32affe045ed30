"""The mesh: a workload asks for a network service by name and gets a vWire to it."""

__version__ = "0.1.0"
