# SPDX-License-Identifier: MIT
"""A tree as files: what is written, what is left alone, and what is not written over."""

from __future__ import annotations

import os
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.building.worktree import SourceTree, absent_files, tree_files
from mptcp_series.errors import BadInput, MissingObject, UnsafePath

from .conftest import EXECUTABLE, LINK, SUBMODULE, Files, Lab

FILES: Files = {
    "Makefile": b"VERSION = 5\n",
    "net/mptcp/pm.c": b"int pm;\n",
    "net/mptcp/protocol.c": b"int protocol;\r\n\xff no newline",
    "scripts/run.sh": (EXECUTABLE, b"#!/bin/sh\n"),
    "Documentation/Changes": (LINK, b"process/changes.rst"),
    "drivers/caf\udce9.h": b"latin-1\n",
    "sub": (SUBMODULE, bytes(range(20))),
}


def on_disk(root: Path) -> dict[str, bytes | tuple[int, bytes]]:
    found: dict[str, bytes | tuple[int, bytes]] = {}
    for place, directories, names in os.walk(os.fsencode(root)):
        for name in [*names, *(name for name in directories if os.path.islink(os.path.join(place, name)))]:
            path = os.path.join(place, name)
            text = os.path.relpath(path, os.fsencode(root)).decode("utf-8", "surrogateescape")
            if os.path.islink(path):
                found[text] = (LINK, os.readlink(path))
            else:
                data = Path(os.fsdecode(path)).read_bytes()
                found[text] = (EXECUTABLE, data) if os.stat(path).st_mode & 0o100 else data
    return found


def expected(files: Files) -> Files:
    return {path: content for path, content in files.items() if path != "sub"}


@pytest.fixture
def source(lab: Lab, tmp_path: Path) -> SourceTree:
    return SourceTree(lab.objects, tmp_path / "source")


def test_modes_links_and_bytes_as_the_tree_has_them(lab: Lab, source: SourceTree) -> None:
    assert source.write(lab.tree(FILES)) == 6
    assert on_disk(source.root) == expected(FILES)


def test_what_is_right_is_not_touched(lab: Lab, source: SourceTree) -> None:
    tree = lab.tree(FILES)
    source.write(tree)
    before = {path: os.lstat(source.root / path).st_mtime_ns for path in ("Makefile", "net/mptcp/pm.c")}
    (source.root / "net/mptcp/protocol.c").write_bytes(b"half")
    assert source.write(tree) == 1
    assert on_disk(source.root) == expected(FILES)
    assert {path: os.lstat(source.root / path).st_mtime_ns for path in before} == before


def test_only_what_differs_is_written(lab: Lab, source: SourceTree) -> None:
    after = dict(FILES)
    del after["net/mptcp/protocol.c"]
    del after["drivers/caf\udce9.h"]
    after |= {"net/mptcp/pm.c": b"int more;\n", "net/ipv4/tcp.c": b"int tcp;\n", "scripts/run.sh": b"#!/bin/sh\n"}
    source.write(lab.tree(FILES))
    old = os.lstat(source.root / "Makefile").st_mtime_ns
    made = os.lstat(source.root / "net/mptcp/pm.c").st_mtime_ns
    assert source.move(lab.tree(FILES), lab.tree(after)) == [
        "drivers/caf\udce9.h",
        "net/ipv4/tcp.c",
        "net/mptcp/pm.c",
        "net/mptcp/protocol.c",
        "scripts/run.sh",
    ]
    assert on_disk(source.root) == expected(after)
    assert not (source.root / "drivers").exists(), "a directory goes with its last file"
    assert os.lstat(source.root / "Makefile").st_mtime_ns == old
    assert os.lstat(source.root / "net/mptcp/pm.c").st_mtime_ns > made, "make must see that it changed"


def test_a_file_becomes_a_directory_and_a_link_a_file(lab: Lab, source: SourceTree) -> None:
    before: Files = {"a": b"file\n", "b/c": b"below\n", "d": (LINK, b"/etc")}
    after: Files = {"a/c": b"below\n", "b": b"file\n", "d/passwd": b"ours\n"}
    source.write(lab.tree(before))
    source.move(lab.tree(before), lab.tree(after))
    assert on_disk(source.root) == after
    source.move(lab.tree(after), lab.tree(before))
    assert on_disk(source.root) == before


def test_a_half_written_directory_is_made_whole(lab: Lab, source: SourceTree) -> None:
    """Killed on the way from one tree to another: some of either."""
    before: Files = {"old.c": b"int old;\n", "net/a.c": b"int a;\n"}
    source.write(lab.tree(before))
    (source.root / "net/b.c").write_bytes(b"int")
    after: Files = {"net/b.c": b"int b;\n", "net/a.c": b"int a2;\n"}
    source.write(lab.tree(after), before=lab.tree(before))
    assert on_disk(source.root) == after


def test_somebodys_file_is_not_taken_away(lab: Lab, source: SourceTree) -> None:
    source.write(lab.tree({"a.c": b"a\n"}))
    (source.root / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"notes\.txt is no file of the tree"):
        source.write(lab.tree({"a.c": b"b\n"}))
    assert (source.root / "a.c").read_bytes() == b"a\n"


def test_what_was_changed_by_hand_is_seen(lab: Lab, source: SourceTree) -> None:
    tree = lab.tree(FILES)
    source.write(tree)
    stamp = source.stamp()
    assert source.altered(tree, stamp) == []
    place = source.root / "net/mptcp/pm.c"
    place.write_bytes(b"int tried;\n")
    os.utime(place, ns=(0, 0))
    (source.root / "net/mptcp/new.c").write_bytes(b"mine\n")
    (source.root / "Makefile").unlink()
    assert source.altered(tree, stamp) == ["net/mptcp/new.c", "net/mptcp/pm.c"]
    assert source.missing(tree) == ["Makefile"]
    with pytest.raises(BadInput, match=r"net/mptcp/new\.c, net/mptcp/pm\.c: not as build wrote it"):
        source.refuse_altered(tree, stamp)
    # What was only touched is as it was.
    place.write_bytes(b"int pm;\n")
    (source.root / "net/mptcp/new.c").unlink()
    source.refuse_altered(tree, stamp)
    source.rewrite(tree, source.missing(tree))
    assert on_disk(source.root) == expected(FILES)


def test_a_link_in_the_way_is_not_followed(lab: Lab, source: SourceTree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    source.root.mkdir()
    (source.root / "net").symlink_to(outside)
    with pytest.raises((UnsafePath, BadInput)):
        source.write(lab.tree({"net/a.c": b"a\n"}))
    assert list(outside.iterdir()) == []


def test_paths_no_file_may_have_are_refused(lab: Lab, source: SourceTree) -> None:
    """A tree object can say anything."""
    blob = lab.blob(b"x\n")
    tree = lab.objects.write("tree", b"40000 ..\0" + lab.objects.write("tree", b"100644 evil\0" + blob))
    with pytest.raises(UnsafePath, match="leaves the tree"):
        source.write(tree)


def test_files_are_shared_with_another_tree(lab: Lab, source: SourceTree, tmp_path: Path) -> None:
    ours, theirs = lab.tree(FILES), lab.tree({**FILES, "net/mptcp/pm.c": b"int base;\n"})
    source.write(ours)
    other = SourceTree(lab.objects, tmp_path / "base" / "source")
    assert other.share(source, ours, theirs) == 5
    assert other.write(theirs) == 1
    assert on_disk(other.root) == expected({**FILES, "net/mptcp/pm.c": b"int base;\n"})
    assert (other.root / "Makefile").samefile(source.root / "Makefile")
    other.move(theirs, lab.tree({"Makefile": b"VERSION = 6\n"}))
    assert on_disk(source.root) == expected(FILES), "nothing is written in place"


@pytest.fixture
def thin(lab: Lab) -> Lab:
    """Some contents are gone, as in a clone without blobs."""
    lab.tree(FILES)
    for path in ("net/mptcp/pm.c", "drivers/caf\udce9.h"):
        content = FILES[path]
        assert isinstance(content, bytes)
        oid = lab.blob(content).hex()
        (Path(lab.repo.path) / "objects" / oid[:2] / oid[2:]).unlink()
    return lab


def test_every_absent_content_is_named_before_anything_is_written(thin: Lab) -> None:
    tree = pygit2.Repository(thin.repo.path)
    fresh = Lab(tree)
    files = tree_files(fresh.objects, thin_tree(thin))
    with pytest.raises(MissingObject) as caught:
        absent_files(fresh.objects, files, (), ())
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["drivers/caf\udce9.h", "net/mptcp/pm.c"]
    assert lines[2].startswith("2 files of the tree have no content in ")
    assert "--without" in lines[2]


def test_what_is_not_needed_may_be_left_out(thin: Lab, tmp_path: Path) -> None:
    fresh = Lab(pygit2.Repository(thin.repo.path))
    tree = thin_tree(thin)
    files = tree_files(fresh.objects, tree)
    out = absent_files(fresh.objects, files, ("drivers/*", "net/*"), ())
    # Only what is absent: the rest of net/ stays.
    assert out == {"drivers/caf\udce9.h", "net/mptcp/pm.c"}
    with pytest.raises(BadInput, match=r"net/mptcp/pm\.c: the series changes this file"):
        absent_files(fresh.objects, files, ("*",), ("net/mptcp/pm.c",))
    source = SourceTree(fresh.objects, tmp_path / "source")
    source.write(tree, out)
    assert sorted(on_disk(source.root)) == sorted(expected(FILES).keys() - out)


def thin_tree(lab: Lab) -> bytes:
    return bytes.fromhex(str(next(oid for oid in lab.repo.odb if _is_root(lab.repo, oid))))


def _is_root(repo: pygit2.Repository, oid: pygit2.Oid) -> bool:
    kind, data = repo.odb.read(oid)
    return int(kind) == 2 and b" Makefile\0" in data
