"""Policies of one's own, in Rego files (W §5.4), judged in a thread by an engine that is an extra.

What is judged is a complete document, because Rego takes what is missing for what is not so. Only
`valid` being true lets anyone pass: false, undefined, an error, or no answer in time do not.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from ssl import DER_cert_to_PEM_cert
from threading import local
from typing import Any

from nsm.api.connection import Segment
from nsm.errors import Invalid
from nsm.identity.evidence import Evidence

PATIENCE = 1.0
"""Seconds a policy may take, in line and at work; honest ones take a few milliseconds."""
LARGEST = 1 << 20
"""Bytes in a file."""
MOST_FILES = 100
NAME = "etc/nsm/opa"
"""What masks call the policies, wherever they are (W §5.4)."""

_PACKAGE = re.compile(r"^\s*package\s+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:#.*)?$", re.MULTILINE)
_THREADS = ThreadPoolExecutor(2, "rego")


class RegoFile:
    """One file, compiled once in each thread that judges by it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = _read(path)
        self._query = f"x = data.{_package(path, self._text)}.valid"
        self._engine = _engine(path)
        self._own = local()
        self._compiled()

    async def judge(self, evidence: Evidence) -> str | None:
        """What is wrong with the evidence, or None; nothing here blocks the loop."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                valid = await loop.run_in_executor(_THREADS, self.allows, document(evidence))
        except TimeoutError:
            return f"it took more than {PATIENCE:g} s"
        except Exception as error:  # whatever an engine may raise
            return f"it could not be judged: {type(error).__name__}"
        return None if valid else "not valid"

    def allows(self, said: Mapping[str, object]) -> bool:
        """Whether `valid` is true of the document, and nothing but true."""
        engine, bundle = self._compiled()
        engine.set_input(said)
        results = engine.query_bundle(bundle).results
        return len(results) == 1 and results[0].bindings.get("x") is True

    def _compiled(self) -> tuple[Any, Any]:
        ready: tuple[Any, Any] | None = getattr(self._own, "ready", None)
        if ready is None:
            ready = self._own.ready = self._compile()
        return ready

    def _compile(self) -> tuple[Any, Any]:
        engine = self._engine.Interpreter()
        engine.log_level = self._engine.LogLevel.NONE
        try:
            engine.add_module(self.path.name, self._text)
            return engine, engine.build(self._query)
        except self._engine.RegoError as error:
            raise Invalid(f"policy {self.path} is no Rego: {_first_line(error)}") from None


def files(mask: str) -> Iterator[RegoFile]:
    """Those a mask names on this disk: the very file, or all in its folder that match it."""
    named = mask.replace(NAME, "policies")
    if (path := Path(named)).is_file():
        yield RegoFile(path)
        return
    folder = Path(named.rpartition("/")[0] or "/")
    if "/" not in named or not folder.is_dir():
        return
    pattern = re.compile(named)
    found = [path for path in sorted(folder.rglob("*.rego")) if pattern.fullmatch(str(path))]
    if len(found) > MOST_FILES:
        raise Invalid(f"policy mask {mask!r} names {len(found)} files; {MOST_FILES} at most")
    yield from map(RegoFile, found)


def document(evidence: Evidence) -> dict[str, object]:
    """The evidence as upstream's policies see theirs, with every key whatever is judged."""
    resource, watched, peer = evidence.resource, evidence.watched, evidence.peer
    segments = evidence.segments or tuple(Segment(token=token) for token in evidence.tokens)
    said = {
        "index": evidence.index,
        "path_segments": [_segment(each) for each in segments],
        "auth_info": {"certificate": DER_cert_to_PEM_cert(peer.leaf) if peer.leaf else ""},
        "resource_id": resource.by if resource else "",
        "resource_name": resource.name if resource else "",
        "resource_path_ids_map": (
            {resource.name: [resource.owner]} if resource and resource.owner else {}
        ),
        "service_spiffe_id": peer.id,
        "spiffe_id_connection_map": {peer.id: sorted(watched.known)} if watched else {},
        "selector_connection_ids": sorted(watched.wanted) if watched else [],
    }
    _refuse_what_is_changed(said)
    return said


def _segment(segment: Segment) -> dict[str, object]:
    expires = segment.expires
    return {
        "name": segment.name,
        "id": segment.id,
        "token": segment.token,
        "expires": {"seconds": expires.seconds, "nanos": expires.nanos} if expires else None,
        "metrics": dict(segment.metrics),
    }


def _refuse_what_is_changed(said: object) -> None:
    """The engine reads text up to a NUL, and without the quotes around it."""
    if isinstance(said, dict):
        said = [*said.keys(), *said.values()]
    if isinstance(said, list):
        for each in said:
            _refuse_what_is_changed(each)
    elif isinstance(said, str) and ("\0" in said or said[:1] == said[-1:] == '"'):
        raise Invalid("a text that the engine would read as another")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise Invalid(f"policy {path} has more than {LARGEST} bytes")
        return text.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"policy {path} cannot be read: {error}") from None


def _package(path: Path, text: str) -> str:
    found = _PACKAGE.search(text)
    if not found:
        raise Invalid(f"policy {path} names no package", fix="begin it with `package nsm`")
    return found[1]


def _engine(path: Path) -> Any:
    try:
        return import_module("regopy")
    except ImportError:
        raise Invalid(
            f"policy {path} is written in Rego, and what reads it is not installed",
            fix="pip install 'network-service-mesh[rego]'",
        ) from None


def _first_line(error: Exception) -> str:
    messages = re.findall(r"errormsg \d+:([^\n]*?)\)", str(error))
    return str(messages[0])[:200] if messages else type(error).__name__
