"""Interface names made up where none was given."""

import hashlib
import re

LONGEST = 15
"""Bytes in an interface name (IFNAMSIZ less the closing zero)."""
KEPT = 6
"""Characters of the service's name that are kept."""


def interface_name(service: str, connection: str) -> str:
    """The service's first letters and what tells the connection from others: `icmp-r-3f9a0c1d`.

    Worked out, not drawn: whoever is restarted says the same name again, and finds what it made.
    """
    start = re.sub(r"[^A-Za-z0-9._-]", "_", service[:KEPT]) + "-"
    digest = hashlib.sha256(f"{service} {connection}".encode(errors="replace")).hexdigest()
    return start + digest[: LONGEST - len(start)]
