"""Write `_gen` from `proto`: run as a file (`make proto`), for the package needs what it writes."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROTO, GEN = HERE / "proto", HERE / "_gen"
HEAD = '"""Written by `make proto` from `wire/proto`; read by `nsm.wire` and no one else."""\n'
RULES = (
    (r"(?m)^import (\w+_pb2) as", r"from nsm.wire._gen import \1 as"),
    (r"(?m)^from google.protobuf import descriptor_pool as \w+\n", ""),
    (r"(?m)^(    (?:family|state|status|type)): [A-Z][\w.]*$", r"\1: int"),
    (r"_descriptor_pool\.Default\(\)", "_POOL"),
    (r"# @@protoc_insertion_point\(imports\)", "from nsm.wire.pool import POOL as _POOL"),
)
"""Imports that name their package, enums that are open, and a pool of our own (`nsm.wire.pool`)."""


def compile_into(folder: Path) -> None:
    """Let protoc write modules and stubs for every file in `proto`."""
    protoc = (sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}")
    outputs = (f"--python_out={folder}", f"--pyi_out={folder}")
    files = sorted(path.name for path in PROTO.glob("*.proto"))
    subprocess.run([*protoc, *outputs, *files], check=True)


def settle(text: str) -> str:
    """The same module, living in our package and our pool."""
    for pattern, instead in RULES:
        text = re.sub(pattern, instead, text)
    return text


def main() -> None:
    """Replace everything in `_gen`."""
    with tempfile.TemporaryDirectory() as written:
        compile_into(Path(written))
        texts = {path.name: settle(path.read_text()) for path in Path(written).iterdir()}
    for old in GEN.glob("*.py*"):
        old.unlink()
    for name, text in {"__init__.py": HEAD, **texts}.items():
        (GEN / name).write_text(text)


if __name__ == "__main__":
    main()
