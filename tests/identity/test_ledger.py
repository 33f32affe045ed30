"""Files of entries, changed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid, NotFound
from nsm.identity import ledger
from nsm.identity.entries import Entry, read_entries
from nsm.identity.spiffe import SpiffeId

WEB = Entry(SpiffeId("test", "/web"), (("uid", 7),))
DB = Entry(SpiffeId("test", "/db"), (), (("exe", "/bin/db"),), "a: hint", "0" * 64, "/x/**")
LINED = """# who is who
entries:
  # the web
  - id: spiffe://test/web
    uid: 7        # alice

  # what follows is left to others
  - {id: spiffe://test/cache, gid: 8}
# the end
"""


def test_a_new_entry_is_a_new_line_and_nothing_else_changes() -> None:
    after = ledger.added(LINED, DB, "test")
    new = [line for line in after.splitlines() if line not in LINED.splitlines()]
    assert len(new) == 1
    assert [line for line in after.splitlines() if line not in new] == LINED.splitlines()
    assert read_entries(after, "test")[-1] == DB


def test_what_is_removed_takes_its_own_lines_and_no_others() -> None:
    after = ledger.removed(LINED, [WEB], "test")
    gone = [line for line in LINED.splitlines() if line not in after.splitlines()]
    assert gone == ["  - id: spiffe://test/web", "    uid: 7        # alice"]
    assert len(read_entries(after, "test")) == 1


@pytest.mark.parametrize("text", ["", "# nothing yet", "{}", "entries: []", '{"entries": [FLOW]}'])
def test_a_file_in_any_other_form_is_written_anew(text: str) -> None:
    text = text.replace("FLOW", '{"id": "spiffe://test/x", "uid": 0}')
    after = ledger.added(text, WEB, "test")
    assert read_entries(after, "test") == (*read_entries(text, "test"), WEB)


def test_the_last_entry_can_be_removed() -> None:
    one = ledger.added("", WEB, "test")
    assert read_entries(ledger.removed(one, [WEB], "test"), "test") == ()


def test_what_stands_there_is_not_added_and_what_does_not_is_not_removed() -> None:
    with pytest.raises(Invalid, match="already"):
        ledger.added(LINED, WEB, "test")
    with pytest.raises(NotFound, match="no such entry"):
        ledger.removed(LINED, [DB], "test")
    with pytest.raises(Invalid, match="without selectors"):
        ledger.added(LINED, Entry(SpiffeId("test", "/all")), "test")
    with pytest.raises(Invalid, match="no member"):
        ledger.added(LINED, Entry(SpiffeId("other", "/x"), (("uid", 1),)), "test")


ENTRIES = st.builds(
    Entry,
    st.integers(0, 9).map(lambda n: SpiffeId("test", f"/{n}")),
    st.integers(0, 3).map(lambda n: (("uid", n),)),
    hint=st.text("ab: #'\"{}[],\n", max_size=5),
)


@given(st.lists(st.tuples(st.booleans(), ENTRIES), max_size=12))
def test_whatever_is_added_and_removed_the_file_says_what_remains(steps) -> None:
    text, stands = LINED, list(read_entries(LINED, "test"))
    for add, entry in steps:
        if add and entry not in stands:
            text = ledger.added(text, entry, "test")
            stands.append(entry)
        elif not add and entry in stands:
            text = ledger.removed(text, [entry], "test")
            stands.remove(entry)
    assert read_entries(text, "test") == tuple(stands)
    assert text.startswith("# who is who") or len(stands) < 2


def test_a_file_is_replaced_as_a_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "entries.yaml"
    ledger.replace(file, "one")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("one", 0o600)
    file.chmod(0o644)
    ledger.replace(file, "two")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two", 0o644)
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(Invalid, match="cannot be written"):
        ledger.replace(tmp_path / "no" / "file", "three")
