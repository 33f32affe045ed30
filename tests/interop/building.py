"""The Go peer, built from our own `.proto` files with the tools its `go.mod` pins."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent / "go"
PROTO = HERE.parents[2] / "src/nsm/wire/proto"
PB, BIN = HERE / "pb", HERE / "bin"
MESSAGES = ("connection", "connectioncontext", "networkservice", "registry")
PATIENCE = 600
"""Seconds a step may take on a machine that has nothing yet: modules are fetched and compiled."""


def go() -> str | None:
    """The Go command, if the machine has one."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")


def built() -> Path:
    """The peer's executable, made anew only when something it is made of has changed."""
    peer = BIN / "gopeer"
    protos = [PROTO / f"{name}.proto" for name in MESSAGES]
    made_of = [*HERE.glob("*.go"), HERE / "go.mod", HERE / "go.sum", *protos, Path(__file__)]
    if peer.exists() and peer.stat().st_mtime > max(each.stat().st_mtime for each in made_of):
        return peer
    _go("install", "tool")
    _generate(protos)
    _go("vet", ".")
    _go("build", "-o", f"{peer}.new", ".")
    return Path(f"{peer}.new").replace(peer)


def _generate(protos: list[Path]) -> None:
    PB.mkdir(exist_ok=True)
    options = ["paths=source_relative", *(f"M{each.name}=interop/pb" for each in protos)]
    words = [f"--{kind}_opt={option}" for kind in ("go", "go-grpc") for option in options]
    outputs = [f"--go_out={PB}", f"--go-grpc_out={PB}"]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}"]
    _run([*protoc, *outputs, *words, *(each.name for each in protos)])


def _go(*words: str) -> None:
    command = go()
    assert command, "no Go here"
    _run([command, *words])


def _run(command: list[str]) -> None:
    path = f"{BIN}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "GOBIN": str(BIN), "GOFLAGS": "-buildvcs=false"}
    done = subprocess.run(
        command, cwd=HERE, env=environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{' '.join(command[:4])}: {done.stdout}{done.stderr}"
