"""The SPIFFE Workload API: where programs get their identity from, and how others give it."""

HEADER = "workload.spiffe.io"
"""Metadata that every call must carry, so that no one is tricked into making it."""
