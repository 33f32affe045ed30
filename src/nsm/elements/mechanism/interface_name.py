"""Interface names made up where none was given."""

import re
import secrets
import string

LONGEST = 15
"""Bytes in an interface name (IFNAMSIZ less the closing zero)."""
KEPT = 10
"""Characters of the service's name that are kept."""
ALPHABET = string.ascii_letters + string.digits


def interface_name(service: str) -> str:
    """The service's first letters and a random rest: `icmp-respo-x7Gq`."""
    start = re.sub(r"[^A-Za-z0-9._-]", "_", service[:KEPT]) + "-"
    return start + "".join(secrets.choice(ALPHABET) for _ in range(LONGEST - len(start)))
