"""Looking at this host finds what is left of each mesh, and nothing of those that are led."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

import pytest

from nsm.world.ground import Home
from nsm.world.here import look, remains
from nsm.world.namespaces import create, prepare
from nsm.world.state import State, running, write_state

from .test_mark import here, marked

pytestmark = pytest.mark.linux


def test_what_nobody_leads_is_found_with_whoever_is_marked_for_it(home: Home) -> None:
    prepare(home)
    create(home.namespace("web"), {})
    (home.root / "file").touch()
    with marked(home, *here(home)) as pid:
        (found,) = look(home.base).remains
        assert (found.mesh, found.folder) == ("lab", str(home.root))
        assert found.namespaces == ["web"]
        assert list(found.processes) == [pid]
        assert found.files == 2
        fixes = {one.fix for one in remains(home.base) if one.whose == "lab"}
        assert fixes == {"nsm down lab"}


def test_whoever_stands_in_its_namespaces_is_found_too(home: Home) -> None:
    prepare(home)
    create(home.namespace("web"), {})
    enter = ("nsenter", f"--net={home.namespace('web')}", "env", "-u", "NSM_WORLD")
    with marked(home, *here(home, *enter)) as pid:
        assert list(look(home.base).remains[0].processes) == [pid]


def test_what_is_led_is_let_be(home: Home) -> None:
    write_state(home.state, State("lab", running("supervisor", os.getpid())))
    with marked(home, *here(home)):
        assert look(home.base).remains == []


def test_whoever_outlives_its_folder_is_found(home: Home) -> None:
    with marked(home, *here(home)) as pid:
        home.root.rmdir()
        (found,) = look(home.base).remains
        assert (found.folder, list(found.processes)) == ("", [pid])
    home.base.rmdir()


def test_a_lock_is_left_over_when_nobody_holds_it(home: Home) -> None:
    lock = home.base / ".lab.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert str(lock) not in look(home.base).idle
    assert str(lock) in look(home.base).idle
    lock.unlink()


def test_a_socket_is_left_over_when_nobody_listens(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.base / "nsm-x"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home.base))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "listen.on"))
        listening.listen()
        assert look(home.base).idle == []
    assert look(home.base).idle == [str(folder)]
    (folder / "listen.on").unlink()
    folder.rmdir()
