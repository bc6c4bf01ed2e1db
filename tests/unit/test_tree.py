# SPDX-License-Identifier: MIT
"""The tree under edit: the same trees as libgit2's index writes, only what lies on the way is read."""

from __future__ import annotations

import contextlib

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.store.objects import EXECUTABLE, LINK, REGULAR, SUBMODULE, Entry, Oid, hexed
from mptcp_series.engine.store.tree import BlockedPath, TreeEditor, path_bytes, path_text

from .conftest import Content, Lab

# Names that sort specially, and that are a file here and a directory there.
PATHS = st.sampled_from(["a", "a.b", "a0", "a/b", "a/b/c", "a/b.c", "a/b0", "a.b/c", "a-b", "a/\xff", "b", "b/a/a/a"])
CONTENTS: st.SearchStrategy[Content] = st.sampled_from(
    [b"1", b"2", (EXECUTABLE, b"1"), (LINK, b"b"), (SUBMODULE, bytes(range(20)))]
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("tree") / "lab.git"), bare=True))


def parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


class Model:
    """What a tree is to people: files by path, no empty directories."""

    def __init__(self, files: dict[str, Content]) -> None:
        self.files = files

    def put(self, path: str, content: Content | None) -> str | None:
        """The path that stands in the way, None if it was put."""
        if content is None:
            self.files.pop(path, None)
            return next((parent for parent in parents(path) if parent in self.files), None)
        blocked = [*(parent for parent in parents(path) if parent in self.files)]
        blocked += [path] if any(path in parents(other) for other in self.files) else []
        if blocked:
            return blocked[0]
        self.files[path] = content
        return None


@st.composite
def file_sets(draw: st.DrawFn) -> dict[str, Content]:
    model = Model({})
    for path, content in draw(st.dictionaries(PATHS, CONTENTS)).items():
        model.put(path, content)
    return model.files


@settings(max_examples=500)
@given(
    base=file_sets(),
    steps=st.lists(st.one_of(st.none(), st.tuples(PATHS, st.one_of(st.none(), CONTENTS))), max_size=12),
)
def test_any_sequence_ends_in_the_tree_of_its_files(
    shared: Lab, base: dict[str, Content], steps: list[tuple[str, Content | None] | None]
) -> None:
    """Laws: get gives what was put; write gives libgit2's tree at any moment (None: now); the journal the rest."""
    editor = TreeEditor(shared.objects, shared.tree(base))
    model = Model(dict(base))
    for step in steps:
        if step is None:
            assert hexed(editor.write()) == hexed(shared.tree(model.files))
            continue
        path, content = step
        wanted = model.put(path, content)
        stopped = None
        try:
            editor.put(path, None if content is None else shared.entry(content))
        except BlockedPath as blocked:
            stopped = blocked
        assert (None if stopped is None else (stopped.path, stopped.parent)) == (
            None if wanted is None else (path, wanted)
        )
    entries = {path: shared.entry(content) for path, content in model.files.items()}
    before = {path: shared.entry(content) for path, content in base.items()}
    for path in {*entries, *before, "nowhere", "b/a", "a/b/c/d"}:
        assert editor.get(path) == entries.get(path)
    assert editor.files("a") == {path: entry for path, entry in entries.items() if path == "a" or path.startswith("a/")}
    assert editor.take_journal() == [
        (path, before.get(path), entries.get(path))
        for path in sorted({*entries, *before})
        if before.get(path) != entries.get(path)
    ]
    assert editor.take_journal() == []
    assert editor.write() == shared.tree(model.files)
    assert editor.write() == shared.tree(model.files)


def test_only_directories_on_the_way_are_read(lab: Lab) -> None:
    root = lab.tree({"net/mptcp/pm.c": b"1", "net/core/sock.c": b"2", "drivers/a/b/c": b"3"})
    read: list[Oid] = []
    keep = lab.objects.tree

    def tree(oid: Oid) -> object:
        read.append(oid)
        return keep(oid)

    lab.objects.tree = tree  # type: ignore[method-assign,assignment]
    editor = TreeEditor(lab.objects, root)
    editor.put("net/mptcp/pm.c", Entry(REGULAR, lab.blob(b"4")))
    new = editor.write()
    net = keep(root)[b"net"].oid
    assert read == [root, net, keep(net)[b"mptcp"].oid]
    assert lab.files(new) == {"net/mptcp/pm.c": b"4", "net/core/sock.c": b"2", "drivers/a/b/c": b"3"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("link/x", "link/x: link is a symbolic link on this base"),
        ("file/x/y", "file/x/y: file is not a directory on this base"),
        ("dir/sub/x", "dir/sub/x: dir/sub is not a directory on this base"),
        ("dir", "dir: dir is not a directory on this base"),
    ],
)
def test_blocked(lab: Lab, path: str, message: str) -> None:
    files: dict[str, Content] = {
        "link": (LINK, b"dir"),
        "file": b"1",
        "dir/sub": (SUBMODULE, bytes(range(20))),
        "dir/x": b"2",
    }
    editor = TreeEditor(lab.objects, lab.tree(files))
    with pytest.raises(BlockedPath) as caught:
        editor.put(path, Entry(REGULAR, lab.blob(b"3")))
    assert str(caught.value) == message
    assert editor.get(path) is None
    assert editor.take_journal() == []
    assert editor.write() == lab.tree(files)


def test_a_directory_makes_way_for_a_file_once_it_is_empty(lab: Lab) -> None:
    editor = TreeEditor(lab.objects, lab.tree({"a/b/c": b"1", "a/d": b"2"}))
    entry = Entry(REGULAR, lab.blob(b"3"))
    for path in ("a/b/c", "a/d"):
        with contextlib.suppress(BlockedPath):
            editor.put("a", entry)
        assert editor.get("a") is None
        editor.put(path, None)
    editor.put("a", entry)
    assert lab.files(editor.write()) == {"a": b"3"}
    assert [path for path, *_ in editor.take_journal()] == ["a", "a/b/c", "a/d"]


def test_paths_of_any_bytes(lab: Lab) -> None:
    raw = b"caf\xe9/\xff"
    assert path_bytes(path_text(raw)) == raw
    editor = TreeEditor(lab.objects, lab.tree({}))
    editor.put(path_text(raw), Entry(REGULAR, lab.blob(b"1")))
    assert lab.objects.tree(editor.write()).keys() == {b"caf\xe9"}
    assert editor.files("caf\udce9") == {path_text(raw): Entry(REGULAR, lab.blob(b"1"))}


def test_take_away_what_is_not_there(lab: Lab) -> None:
    root = lab.tree({"a/b": b"1"})
    editor = TreeEditor(lab.objects, root)
    for path in ("x", "x/y/z", "a/c", "a"):
        editor.put(path, None)
    assert (editor.take_journal(), editor.write()) == ([], root)
