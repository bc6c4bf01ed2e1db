# SPDX-License-Identifier: MIT
"""The owned paths of trees: keys, marks, files and what differs."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.replay.owned import OwnedKeys, owned_changes, owned_files, owned_marks
from mptcp_series.engine.store.objects import Entry, Objects
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.engine.upstream.history import Visited
from mptcp_series.values.paths import OwnedPaths

from .conftest import EXECUTABLE, LINK, REGULAR, Files, Lab

OWNED = OwnedPaths(patterns=("net/mptcp/", "include/net/mptcp.h", "include/uapi/linux/mptcp.h", "tools/é x/"))
PATHS = (
    "Makefile",
    "include/net/mptcp.h",
    "include/net/mptcp.h.orig",
    "include/net/tcp.h",
    "include/uapi/linux/mptcp.h",
    "net/mptcp.c",
    "net/mptcp/a.c",
    "net/mptcp/deep/er/b.c",
    "net/mptcp2/a.c",
    "tools/é x/run\n.sh",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One laboratory for all examples of a law."""
    return Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("lab")), bare=True))


contents = st.sampled_from([b"1", b"2", (EXECUTABLE, b"1"), (LINK, b"1")])
trees = st.dictionaries(st.sampled_from(PATHS), contents, max_size=len(PATHS))


def owned_part(files: Files) -> Files:
    return {path: content for path, content in files.items() if OWNED.contains(path)}


@given(trees, trees)
def test_keys_are_equal_where_owned_files_are(shared: Lab, one: Files, other: Files) -> None:
    keys = OwnedKeys(Objects(shared.repo), OWNED)
    same = keys.key(shared.tree(one)) == keys.key(shared.tree(other))
    assert same == (owned_part(one) == owned_part(other))


@given(trees, trees)
def test_changes_are_those_of_owned_files(shared: Lab, one: Files, other: Files) -> None:
    objects = Objects(shared.repo)
    changes = owned_changes(objects, OWNED, shared.tree(one), shared.tree(other))
    mine, theirs = owned_part(one), owned_part(other)
    assert [(change.path, change.old_path, change.old, change.new) for change in changes] == [
        (path, path, _entry(shared, mine, path), _entry(shared, theirs, path))
        for path in sorted({*mine, *theirs})
        if mine.get(path) != theirs.get(path)
    ]


def _entry(lab: Lab, files: Files, path: str) -> Entry | None:
    return lab.entry(files[path]) if path in files else None


@given(trees)
def test_files(shared: Lab, files: Files) -> None:
    objects = Objects(shared.repo)
    found = owned_files(TreeEditor(objects, shared.tree(files)), OWNED.patterns)
    assert found == {path: shared.entry(content) for path, content in owned_part(files).items()}


names = st.one_of(
    st.sampled_from(PATHS), st.text("ab/é\n ", min_size=1, max_size=8).filter(lambda text: "//" not in text)
)


@given(st.lists(names, min_size=1, max_size=4))
def test_marks(paths: list[str]) -> None:
    """Law: a mark stands in a list of paths exactly where one of the paths is owned."""
    visited = Visited(b"", b"".join(b"\0" + path.encode() for path in paths) + b"\0", is_merge=False)
    assert visited.touches(owned_marks(OWNED)) == any(OWNED.contains(path) for path in paths)


def test_an_owned_path_that_is_a_directory_or_nothing(lab: Lab) -> None:
    """A directory where a file is owned, a file where a directory is, and a directory above another."""
    owned = OwnedPaths(patterns=("net/mptcp/pm/", "net/mptcp/", "lib/a/b.c"))
    keys = OwnedKeys(lab.objects, owned)
    base: Files = {"net/mptcp": b"a file", "lib/a": b"a file"}
    assert keys.key(lab.tree(base)) == (None, Entry(REGULAR, lab.blob(b"a file")), None)
    below = lab.tree({"net/mptcp/pm/x.c": b"1", "lib/a/b.c/c": b"2"})
    assert keys.key(below) != keys.key(lab.tree({"net/mptcp/pm/x.c": b"2", "lib/a/b.c/c": b"2"}))
    assert OwnedKeys.of(lab.objects, owned) is OwnedKeys.of(lab.objects, owned)
    assert Path(lab.repo.path).is_dir()
