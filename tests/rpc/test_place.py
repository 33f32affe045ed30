"""Where a socket may be believed."""

import os
from pathlib import Path

import pytest

from nsm.errors import Invalid
from nsm.rpc.place import check_place


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder that only its owner may write to, with a file that stands for a socket."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "agent.sock").touch()
    return own


def test_a_socket_in_a_folder_of_its_owner_s_is_believed(own: Path) -> None:
    check_place(str(own / "agent.sock"))
    check_place(str(own / "not-there-yet.sock"))
    check_place(str(own / "no" / "folder" / "yet.sock"))


@pytest.mark.parametrize("mode", [0o777, 0o773])
def test_a_socket_where_everybody_may_write_is_not(own: Path, mode: int) -> None:
    own.chmod(mode)
    with pytest.raises(Invalid, match="open to all"):
        check_place(str(own / "agent.sock"))


def test_what_is_ours_where_nobody_else_may_rename_it_is(own: Path) -> None:
    own.chmod(0o1777)
    check_place(str(own / "agent.sock"))
    check_place(str(own / "not-there-yet.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives a file away")
def test_what_is_another_s_there_is_not(own: Path) -> None:
    own.chmod(0o1777)
    os.chown(own / "agent.sock", 65534, 65534)
    with pytest.raises(Invalid):
        check_place(str(own / "agent.sock"))


def test_links_are_judged_by_where_they_lie_and_where_they_lead(own: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("own/../own")
    check_place(str(tmp_path / "link" / "agent.sock"))
    own.chmod(0o777)
    with pytest.raises(Invalid):
        check_place(str(tmp_path / "link" / "agent.sock"))
    own.chmod(0o755)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "link").symlink_to(own)
    with pytest.raises(Invalid):
        check_place(str(shared / "link" / "agent.sock"))


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(Invalid, match="folders"):
        check_place(str(tmp_path / "loop" / "agent.sock"))
