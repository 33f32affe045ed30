"""The file that says what runs, for when the supervisor no longer does."""

from contextlib import suppress
from pathlib import Path

import msgspec

from nsm.world.procfs import alive, began


class Running(msgspec.Struct, frozen=True):
    """A process: its pid is checked against reuse by when it began."""

    name: str
    pid: int
    start: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return alive(self.pid, self.start)


class State(msgspec.Struct, frozen=True):
    """All of a mesh that runs."""

    mesh: str
    supervisor: Running
    processes: list[Running] = []


def write_state(path: Path, state: State) -> None:
    """Write down what runs now."""
    draft = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):  # the folder has gone: the mesh is being taken down
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(path)


def running(name: str, pid: int) -> Running:
    """A process as it is written down."""
    return Running(name, pid, began(pid))


def read_state(path: Path) -> State | None:
    """What was written last; None where there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None
