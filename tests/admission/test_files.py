"""Files of rules, whatever they are written in."""

import os
from pathlib import Path

import pytest

from nsm.admission import files
from nsm.admission.coded import CodedRule
from nsm.values import BadFile


def test_a_file_is_read_if_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    with pytest.raises(BadFile, match="No such file"):
        files.load(path)
    path.write_text("default: deny")
    assert not files.load(path).allow
    os.mkfifo(pipe := tmp_path / "pipe")
    for other in (pipe, tmp_path):
        with pytest.raises(BadFile, match="it is no file"):
            files.load(other)


def test_what_ends_in_py_is_run_also_by_way_of_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "mine.py", tmp_path / "rules.yaml"
    path.write_text("def admit(asked): return True")
    link.symlink_to(path)
    for way in (path, link):
        rules = files.load(way).rules
        assert [(type(rule), rule.name) for rule in rules] == [(CodedRule, "mine.py")] * 2


def test_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("def admit(asked): return True")
    with pytest.raises(BadFile):
        files.load(path)
