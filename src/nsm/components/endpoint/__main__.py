"""`nsm endpoint KIND`, and `python -m nsm.components.endpoint`."""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from nsm.components.endpoint.kinds import KINDS

USAGE = f"""usage: nsm endpoint KIND

KIND is one of {", ".join(KINDS)}, or a Python file that ends with `serve(…)`
(see `nsm.endpoint`). Settings are NSM_* variables:

    NSM_SERVICE_NAMES=web NSM_CIDR_PREFIX=10.9.0.0/24 nsm endpoint icmp-responder
    nsm endpoint greet.py
"""


def main(argv: Sequence[str]) -> int:
    """Run the endpoint of that kind until told to stop."""
    kind, *rest = argv or [""]
    if kind in KINDS:
        return KINDS[kind](rest)
    if kind.endswith(".py") and Path(kind).is_file():
        sys.argv = [kind, *rest]
        sys.path.insert(0, str(Path(kind).resolve().parent))
        runpy.run_path(kind, run_name="__main__")
        return 0
    if kind in ("-h", "--help"):
        sys.stdout.write(USAGE)
        return 0
    if kind:
        sys.stderr.write(f"{kind!r} is no kind of endpoint, nor a Python file that is there\n")
    sys.stderr.write(USAGE)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
