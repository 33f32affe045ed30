"""Who is who."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity.caller import Caller, inode
from nsm.identity.entries import MOST_ENTRIES, matching, read_entries
from nsm.sdk.files import Inode

WEB, DB = "spiffe://test/ns/x/web", "spiffe://test/ns/x/db"


def read(*entries: dict[str, object]):
    return read_entries(json.dumps({"entries": entries}), "test")


def ids(entries, caller: Caller) -> list[str]:
    return [str(entry.id) for entry in matching(entries, caller)]


@pytest.mark.parametrize(
    ("selectors", "admitted"),
    [
        ({"uid": 1000}, True),
        ({"uid": 0}, False),
        ({"gid": 100}, True),
        ({"gid": 0}, False),
        ({"pid": 7}, True),
        ({"pid": 8}, False),
        ({"pid": 7, "started": 12345}, True),
        ({"pid": 7, "started": 12346}, False),
        ({"netns": "inode://4/5"}, True),
        ({"netns": "inode://5/4"}, False),
        ({"exe": "inode://6/7"}, True),
        ({"exe": "/no/such/file"}, False),
        ({"sha256": "0" * 64}, True),
        ({"sha256": "1" * 64}, False),
        ({"cgroup": "/system.slice/web-*.service"}, True),
        ({"cgroup": "/user.slice/**"}, True),
        ({"cgroup": "**/web-7.service"}, True),
        ({"cgroup": "/system.slice/web-?.service"}, True),
        ({"cgroup": "/system.slice/*/x"}, False),
        ({"cgroup": "/system.slice"}, False),
        ({"cgroup": "/*"}, False),
        ({"cgroup": "/system.slice/web-[7].service"}, False),
        ({"uid": 1000, "cgroup": "/other"}, False),
        ({"uid": 1000, "sha256": "1" * 64}, False),
        ({"uid": 1000, "gid": 100, "netns": "inode://4/5"}, True),
        ({"uid": 1000, "gid": 0, "netns": "inode://4/5"}, False),
    ],
)
def test_an_entry_admits_whoever_matches_all_its_selectors(selectors, admitted: bool) -> None:
    cgroups = ("/system.slice/web-7.service", "/user.slice/a/b")
    caller = Caller(7, 1000, 100, 12345, Inode(4, 5), Inode(6, 7), cgroups, "0" * 64)
    entries = read({"id": WEB, **selectors})
    assert ids(entries, caller) == ([WEB] if admitted else [])
    assert read(*(entry.plain() for entry in entries)) == entries


def test_a_path_is_known_by_its_inode_and_not_by_its_text(tmp_path: Path) -> None:
    program, link = tmp_path / "program", tmp_path / "link"
    program.touch()
    os.link(program, link)
    entries = read({"id": WEB, "exe": str(link)})
    assert ids(entries, Caller(7, 0, 0, exe=inode(str(program)))) == [WEB]
    link.unlink()
    link.touch()
    assert ids(entries, Caller(7, 0, 0, exe=inode(str(program)))) == []


def test_what_could_not_be_seen_matches_nothing() -> None:
    entries = read(
        {"id": WEB, "netns": "/no/such/file"},
        {"id": WEB, "exe": "inode://0/0"},
        {"id": WEB, "sha256": "0" * 64},
        {"id": WEB, "cgroup": "**"},
    )
    assert ids(entries, Caller(7, 0, 0)) == []


def test_the_most_specific_entry_comes_first_else_the_files_order() -> None:
    entries = read({"id": WEB, "uid": 0}, {"id": DB, "uid": 0, "gid": 0}, {"id": DB, "gid": 0})
    assert ids(entries, Caller(7, 0, 0)) == [DB, WEB, DB]


def test_yaml_is_read_with_its_comments() -> None:
    text = f"# who is who\nentries:\n  - id: {WEB}  # the web\n    uid: 0\n    hint: internal\n"
    (entry,) = read_entries(text, "test")
    assert (str(entry.id), entry.hint) == (WEB, "internal")


@pytest.mark.parametrize("text", ["", "# nothing", "{}", "entries: []"])
def test_an_empty_file_says_that_nobody_is_anybody(text: str) -> None:
    assert read_entries(text, "test") == ()


def test_everything_wrong_is_told_at_once_each_with_its_line() -> None:
    text = f"""entries:
  - id: spiffe://other/x
    uid: 0
  - id: nonsense
    uid: zero
  - id: {WEB}
  - id: {WEB}
    netns: relative
    nets: x
  - id: {WEB}
    uid: 0
    uid: 1
  - just text
  - id: {WEB}
    uid: [0]
  - uid: 0
  - id: {WEB}
    started: 5
  - id: {WEB}
    sha256: 5F
    cgroup: system.slice
more: true
"""
    with pytest.raises(Invalid) as refused:
        read_entries(text, "test")
    for line, what in (
        (2, "no member of trust domain test"),
        (4, "no SPIFFE id"),
        (5, "uid is not a number"),
        (6, "without selectors"),
        (8, "neither an absolute path"),
        (9, "unknown key 'nets'"),
        (12, "uid stands twice"),
        (13, "not a mapping"),
        (15, "uid is not a text"),
        (16, "no SPIFFE id"),
        (17, "started says nothing without pid"),
        (20, "64 hex digits"),
        (21, "neither a slash nor"),
        (22, "unknown key 'more'"),
    ):
        assert any(
            part.startswith(f"line {line}: ") and what in part
            for part in refused.value.cause.split("; ")
        ), (line, what, refused.value.cause)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "- id: x",
        "text",
        "entries: text",
        "entries: {}",
        "a: &a [*a]\nentries: *a",
        "[" * 5000,
        "entries: [" + "," * (MOST_ENTRIES + 1) + "]",
        "entries: [" + "{}," * (MOST_ENTRIES + 1) + "]",
        "\0",
        "entries:\n- !!python/object:os.system {}",
    ],
)
def test_what_is_no_list_of_entries_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_entries(text, "test")
    assert len(refused.value.cause) < 5000


@given(st.text(alphabet="entris:-&*[]{}!\n 0\"'|>#%@`,?"))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        read_entries(text, "test")
    except Invalid:
        return
