"""Asking a supervisor: what every command that needs one begins with."""

import json
import os
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsm.errors import BY_STATUS, Denied, NotFound, NsmError, Unreachable
from nsm.world.asking import LIMIT
from nsm.world.ground import BASE, MESH, Home

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Control:
    """The way to the supervisor of one mesh."""

    home: Home

    def ask(self, do: str, patience: float = 30.0, **said: object) -> Json:
        """Ask, and give the answer; failures are the supervisor's own, or Unreachable."""
        with self._connect(patience) as channel, channel.makefile("rb") as lines:
            try:
                channel.sendall(json.dumps({"do": do, **said}).encode() + b"\n")
                line = lines.readline(LIMIT)
            except OSError as error:
                raise self._silent() from error
        if not line:
            raise self._silent()
        answer: Json = json.loads(line)
        if "error" in answer:
            raise failure(answer["error"])
        found: Json = answer["ok"]
        return found

    def _connect(self, patience: float) -> socket.socket:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.settimeout(patience)
        try:
            channel.connect(os.fsencode(self.home.control))
        except PermissionError as error:
            channel.close()
            raise Denied("only root may ask this mesh", fix="run it with sudo") from error
        except OSError as error:
            channel.close()
            raise self._silent() from error
        return channel

    def _silent(self) -> NsmError:
        mesh = self.home.mesh
        if not self.home.root.exists():
            return NotFound(
                f"no mesh {mesh!r} is up", fix="`nsm up` starts one; `nsm list` shows all"
            )
        cause = f"the supervisor of {mesh} does not answer"
        fix = f"`nsm audit --here` says what is left, `nsm down {mesh}` removes it"
        return Unreachable(cause, hop=str(self.home.control), fix=fix)


def failure(error: Json) -> NsmError:
    """An error as it came over a socket, as the error it is."""
    kind = BY_STATUS.get(str(error.get("code")), NsmError)
    return kind(str(error["cause"]), hop=str(error["hop"]), fix=str(error["fix"]))


def told(error: NsmError) -> Json:
    """An error as it is told to programs: four texts."""
    return {"code": error.status, "cause": error.cause, "hop": error.hop, "fix": error.fix}


def meshes(base: Path = BASE) -> Iterator[Home]:
    """Every mesh that is up, or was left behind."""
    try:
        there = sorted(entry.name for entry in base.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise Denied(f"may not look into {base}", fix="run it with sudo") from error
    yield from (Home(name, base) for name in there if MESH.fullmatch(name))


def choose(name: str | None, base: Path = BASE) -> Home:
    """The mesh of that name, or the only one there is."""
    if name is not None:
        return Home(name, base)
    found = list(meshes(base))
    if not found:
        raise NotFound("no mesh is up", fix="`nsm up` starts one")
    if len(found) > 1:
        names = ", ".join(home.mesh for home in found)
        raise NotFound(f"several meshes are up: {names}", fix="choose one with -m NAME")
    return found[0]


def missing(shown: Json, wanted: Collection[str] = ()) -> list[str]:
    """Who of these, or of all but what workloads run, is not up."""
    states = {part["name"]: part["state"] for part in shown["processes"]}
    states |= {part["name"]: part["state"] for part in (*shown["endpoints"], *shown["workloads"])}
    names = wanted or [name for name in states if not name.endswith("/run")]
    return [name for name in names if states.get(name, "up") != "up"]
