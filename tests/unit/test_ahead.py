# SPDX-License-Identifier: MIT
"""What git writes of pinned commits is what is read. That git tells what the trees do is in the compatibility tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.replay.change import BlobChange, tree_changes
from mptcp_series.engine.store.ahead import PinnedChanges, RawChange, raw_changes
from mptcp_series.engine.store.gitprogram import own_repository
from mptcp_series.engine.store.objects import Entry, Objects

from .conftest import EXECUTABLE, REGULAR, Lab

NONE = b"\0" * 20
ids = st.binary(min_size=20, max_size=20).filter(lambda oid: oid != NONE)
components = st.binary(min_size=1, max_size=6).map(lambda data: data.replace(b"\0", b"0").replace(b"/", b"\n"))
paths = st.lists(components, min_size=1, max_size=3).map(b"/".join)
sides = st.one_of(st.just((0, NONE)), st.tuples(st.sampled_from([0o100644, 0o100755, 0o120000, 0o160000]), ids))
changes = st.builds(lambda path, old, new: (path, *old, *new), paths, sides, sides)


def record(commit: bytes, told: list[RawChange]) -> bytes:
    """As `git diff-tree -z --raw --no-abbrev --format=//%H` writes it."""
    rows = b"".join(
        b":%06o %06o %s %s M\0%s\0" % (before, after, old.hex().encode(), new.hex().encode(), path)
        for path, before, old, after, new in told
    )
    return b"//" + commit.hex().encode() + b"\0" + (b"\n" + rows if rows else b"")


@given(st.dictionaries(ids, st.lists(changes, max_size=4), max_size=4))
def test_records(told: dict[bytes, list[RawChange]]) -> None:
    """Law: whatever paths hold, what git wrote is what is read; a commit that changes nothing is told too."""
    data = b"".join(record(commit, rows) for commit, rows in told.items())
    assert raw_changes(data) == {commit.hex(): rows for commit, rows in told.items()}


def test_what_was_told_stands_for_the_trees(lab: Lab) -> None:
    """Renames are still looked for, and the order is that of the paths."""
    text = b"".join(b"line %d\n" % number for number in range(40))
    one, other = lab.blob(text), lab.blob(text + b"more\n")
    before = lab.tree({"z": text})
    after = lab.tree({"b": text + b"more\n", "a": (EXECUTABLE, text)})
    told = [(b"z", REGULAR, one, 0, NONE), (b"b", 0, NONE, REGULAR, other), (b"a", 0, NONE, EXECUTABLE, one)]
    objects = Objects(lab.repo)
    found = tree_changes(objects, NONE, NONE, told=told)
    assert found == tree_changes(objects, before, after)
    assert BlobChange(path="a", old_path="z", old=Entry(REGULAR, one), new=Entry(EXECUTABLE, one)) in found


def test_where_there_is_nothing_to_gain(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*arguments: object, **options: object) -> None:
        raise AssertionError("git was asked")

    def no_git(*arguments: object, **options: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "Popen", ask)
    series = tmp_path / "q"
    assert PinnedChanges.begin(lab.repo.path, series) is None
    series.mkdir()
    (series / "series").write_text("# a comment # 0123456789012345678901234567890123456789\na.patch\n")
    assert PinnedChanges.begin(lab.repo.path, series) is None
    (series / "series").write_text("a.patch -p1 # 0123456789012345678901234567890123456789 and why\n")
    assert PinnedChanges.begin(tmp_path / "nowhere", series) is None
    with pytest.raises(AssertionError, match="git was asked"):
        PinnedChanges.begin(lab.repo.path, series)
    (Path(lab.repo.path) / "shallow").touch()
    assert PinnedChanges.begin(lab.repo.path, series) is None
    (Path(lab.repo.path) / "shallow").unlink()
    monkeypatch.setattr(subprocess, "Popen", no_git)
    assert PinnedChanges.begin(lab.repo.path, series) is None


def test_own_repository(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path(lab.repo.path)
    assert own_repository(place) == place
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").symlink_to(place)
    assert own_repository(str(tmp_path / "tree")) == tmp_path / "tree" / ".git"
    assert own_repository(tmp_path) is None
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    assert own_repository(place) is None
