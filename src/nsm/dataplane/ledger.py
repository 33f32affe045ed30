"""The alias that says whose an interface is: `nsm1 <role> <connection> <vni> <expires> <proof>`.

Every device of ours carries one (255 bytes at most). The workload can read it and its root can
write it, so it is proven with a key of the node's; `records` holds what does not fit.
"""

import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from nsm.errors import Invalid

VERSION = "nsm1"
READ = (VERSION,)
"""Versions that are read: all say role, connection, VNI and expiry, in this order, before what a
later one may add. What a newer program wrote is not read, so it is nobody's, and left alone."""
LONGEST = 255
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Tag:
    """What an alias says: which connection's, in which role, on which VNI, good until when."""

    role: str
    connection: str
    vni: int = 0
    expires: int = 0

    @classmethod
    def of(cls, connection_id: str, role: str, vni: int = 0, expires: float = 0.0) -> "Tag":
        """The tag of a connection; its id is hashed: it may be long, and is not the workload's."""
        digest = hashlib.sha256(connection_id.encode()).hexdigest()[:32]
        return cls(role, digest, vni, int(expires))

    def __str__(self) -> str:
        return f"{VERSION} {self.role} {self.connection} {self.vni} {self.expires}"


class NodeKey:
    """Proves that this node wrote an alias; lives in a file that only its owner may read."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def kept_in(cls, path: Path) -> "NodeKey":
        """The key in that file, made on first use. Invalid when others may read it."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            _write_new(path, token_bytes(KEY_BYTES))
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Invalid(f"{path} may be read by others", fix=f"chmod 600 {path}")
            secret = file.read(KEY_BYTES + 1)
        if len(secret) != KEY_BYTES:
            raise Invalid(f"{path} does not hold a key", fix="remove it; a new one will be made")
        return cls(secret)

    def alias(self, tag: Tag) -> str:
        """The alias text of a tag."""
        return f"{tag} {self._proof(str(tag))}"

    def read(self, alias: str) -> Tag | None:
        """The tag in an alias; None for what this node did not write."""
        said, _, proof = alias.rpartition(" ")
        if len(alias) > LONGEST or not hmac.compare_digest(
            proof.encode(), self._proof(said).encode()
        ):
            return None
        version, *words = said.split(" ")
        if version not in READ:
            return None
        role, connection, vni, expires = words[:4]
        return Tag(role, connection, int(vni), int(expires))

    def _proof(self, said: str) -> str:
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return "NodeKey()"


def same_owner(there: str, wanted: str) -> bool:
    """Whether an alias names the connection and role we mean; an empty wish accepts any."""
    return not wanted or _words(there, 2) == _words(wanted, 2)


def same_device(there: str, wanted: str) -> bool:
    """Whether it even names the device we mean: of the same owner, with the same VNI."""
    return not wanted or _words(there, 3) == _words(wanted, 3)


def _words(alias: str, count: int) -> list[str]:
    """So many of what an alias says; of one that is of no version we know, all of it."""
    version, *words = alias.split(" ")
    return words[:count] if version in READ else [alias]


def vni_in(alias: str) -> int:
    """The VNI an alias of ours names; 0 where it names none."""
    said = alias.split(" ")[3:4]
    return int(said[0]) if said and said[0].isdecimal() else 0


def _write_new(path: Path, secret: bytes) -> None:
    """Write the key whole or not at all; FileExistsError where there is one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{token_bytes(4).hex()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(secret)
        os.link(draft, path)
    finally:
        draft.unlink()
