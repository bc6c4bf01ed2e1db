# SPDX-License-Identifier: MIT
"""Patch files beside pinned lines: silent while they say what the pin says, told when somebody edited one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mptcp_series.engine.beside import unused_files
from mptcp_series.engine.exchange.render import render_patch, render_plain
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.change import BlobChange
from mptcp_series.engine.replay.item import Item
from mptcp_series.errors import AlreadyApplied, MissingObject

from .conftest import EXECUTABLE, LINK, MAKEFILE, Files, Lab, numbered

F = "net/mptcp/protocol.c"
BEFORE: Files = {
    "Makefile": MAKEFILE,
    F: numbered(30),
    "gone.c": b"int gone;\n",
    "old.c": numbered(12, word="moved"),
    "blob": b"\0\1\2",
    "run.sh": b"#!/bin/sh\n",
}
AFTER: Files = {
    "Makefile": MAKEFILE,
    F: numbered(30, {5: "five\n", 20: ""}),
    "new.c": numbered(12, {2: "moved, and changed\n"}, word="moved"),
    "added.sh": (EXECUTABLE, b"#!/bin/sh\n"),
    "link": (LINK, b"new.c"),
    "blob": b"\0\1\2\3",
    "run.sh": (EXECUTABLE, b"#!/bin/sh\n"),
}

MORE = b"diff --git a/Makefile b/Makefile\n--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-VERSION = 5\n+VERSION = 6\n"


class Place:
    """A series of one pinned line, and the file that is beside it."""

    def __init__(self, directory: Path, lab: Lab, before: Files = BEFORE, after: Files = AFTER, line: str = "") -> None:
        self.lab = lab
        self.base = lab.commit(before, "base\n")
        self.pin = lab.commit(after, "mptcp: x\n\nWhy.\n", [self.base])
        self.series = directory / "series" / "q"
        self.series.mkdir(parents=True)
        self.write("series", f"# first\na.patch{line} # {self.pin}\n".encode())
        self.file = self.series / "a.patch"

    def write(self, name: str, data: bytes) -> None:
        path = self.series / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def load(self) -> Queue:
        return Queue.load(self.series, source=self.lab.repo.path)

    def item(self) -> Item:
        return self.lab.pinned(self.pin)

    def exported(self) -> bytes:
        item = self.item()
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
        return render_patch(self.lab.objects, item.raw, changes)

    def told(self) -> tuple[str, ...]:
        queue = self.load()
        return unused_files(queue, queue.items(self.lab.objects), self.lab.objects)

    def sentence(self, what: str) -> tuple[str, ...]:
        return (
            f"{self.series}/series:2: a.patch is read from its pin in the source; the file {self.file} {what} and is "
            "not used: take the pin out of the line to use the file, or delete the file",
        )


@pytest.fixture
def place(tmp_path: Path, lab: Lab) -> Place:
    return Place(tmp_path, lab)


def _edited(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return edit


def test_a_file_as_it_was_exported_is_silent(place: Place) -> None:
    """Additions, deletions, renames, modes, links and binary files are in it."""
    assert place.told() == ()
    place.write("a.patch", place.exported())
    assert place.told() == ()


@pytest.mark.parametrize(
    "edit",
    [
        _edited(b"Why.\n", b"Another message.\n"),
        _edited(b"Subject: [PATCH] mptcp: x", b"Subject: [PATCH v2] mptcp: y"),
        lambda data: b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"From ")),
    ],
    ids=["message", "subject", "first line"],
)
def test_another_header_is_no_other_change(place: Place, edit: Callable[[bytes], bytes]) -> None:
    place.write("a.patch", edit(place.exported()))
    assert place.told() == ()


@pytest.mark.parametrize(
    "edit",
    [
        _edited(b"+five\n", b"+six\n"),
        _edited(b"+moved, and changed\n", b"+moved, and edited\n"),
        _edited(b"new file mode 100755", b"new file mode 100644"),
        _edited(b"diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n", b""),
        _edited(b"+++ b/net/mptcp/protocol.c", b"+++ b/net/mptcp/options.c"),
        _edited(b"+new.c\n", b"+other.c\n"),
        lambda data: data[: data.index(b"diff --git a/new.c")],
        _edited(b"-- \n\n", MORE),
        lambda data: b"",
    ],
    ids=["line", "new file", "mode of a new file", "mode", "name", "link", "files left out", "one file more", "empty"],
)
def test_another_change_is_told(place: Place, edit: Callable[[bytes], bytes]) -> None:
    place.write("a.patch", edit(place.exported()))
    assert place.told() == place.sentence("differs from it")


def test_a_patch_without_what_git_adds_is_compared_by_its_hunks(tmp_path: Path, lab: Lab) -> None:
    after: Files = {**BEFORE, F: numbered(30, {5: "five\n"})}
    place = Place(tmp_path, lab, after=after)
    (change,) = place.item().changes
    assert isinstance(change, BlobChange)
    plain = render_plain(lab.objects, change)
    assert plain is not None
    place.write("a.patch", plain)
    assert place.told() == ()
    less = plain.replace(b"@@ -2,7 +2,7 @@", b"@@ -4,3 +4,3 @@").replace(b" line 2\n line 3\n", b"")
    place.write("a.patch", less.replace(b" line 7\n line 8\n", b""))
    assert place.told() == (), "context counts for nothing"
    moved = plain.replace(b"@@ -2,7 +2,7 @@", b"@@ -12,7 +12,7 @@")
    place.write("a.patch", moved)
    assert place.told() == (), "nor do the numbers of lines, where the hunk has one place"
    place.write("a.patch", plain.replace(b"\n", b"\r\n"))
    assert place.told() == (), "nor a conversion of all its lines"
    place.write("a.patch", plain.replace(b" line 4\n", b" line four\n"))
    assert place.told() == place.sentence("differs from it")


def test_a_rename_as_git_writes_it(tmp_path: Path, lab: Lab) -> None:
    before: Files = {"Makefile": MAKEFILE, "old.c": numbered(12), "same.c": numbered(9)}
    after: Files = {"Makefile": MAKEFILE, "new.c": numbered(12), "same.c": numbered(9), "copy.c": numbered(9)}
    place = Place(tmp_path, lab, before, after)
    rename = b"diff --git a/old.c b/new.c\nsimilarity index 100%\nrename from old.c\nrename to new.c\n"
    copy = b"diff --git a/same.c b/copy.c\nsimilarity index 100%\ncopy from same.c\ncopy to copy.c\n"
    place.write("a.patch", rename + copy)
    assert place.told() == ()
    place.write("a.patch", rename)
    assert place.told() == place.sentence("differs from it")


def test_binary_files_differ_counts_by_its_index_line(tmp_path: Path, lab: Lab) -> None:
    place = Place(tmp_path, lab, after={**BEFORE, "blob": b"\0\1\2\3"})
    (change,) = place.item().changes
    assert isinstance(change, BlobChange)
    assert change.old is not None
    assert change.new is not None
    head = b"diff --git a/blob b/blob\nindex %s..%s 100644\nBinary files a/blob and b/blob differ\n"
    place.write("a.patch", head % (change.old.oid.hex().encode(), change.new.oid.hex().encode()))
    assert place.told() == ()
    place.write("a.patch", head % (change.old.oid.hex().encode(), b"1" * 40))
    assert place.told() == place.sentence("differs from it")


@pytest.mark.parametrize("line", [" -R", " -p0", " -p2 -R"])
def test_the_options_of_the_line_are_for_the_file_too(tmp_path: Path, lab: Lab, line: str) -> None:
    after: Files = {**BEFORE, F: numbered(30, {5: "five\n"})}
    place = Place(tmp_path, lab, after=after, line=line)
    prefix = b"" if "-p0" in line else b"x/y/" if "-p2" in line else b"a/"
    name = prefix + F.encode()
    body = b"--- %s\n+++ %s\n@@ -5 +5 @@\n-line 5\n+%s\n"
    place.write("a.patch", body % (name, name, b"five"))
    assert place.told() == ()
    place.write("a.patch", body % (name, name, b"six"))
    assert place.told() == place.sentence("differs from it")


def test_a_file_that_is_no_patch(place: Place) -> None:
    place.write("a.patch", place.exported().replace(b"@@ -2,", b"@@ -2,9", 1))
    (said,) = place.told()
    assert f"the file {place.file} cannot be read as a patch (" in said
    assert said.endswith(") and is not used: take the pin out of the line to use the file, or delete the file")


def test_an_object_that_is_not_at_hand_is_no_reason_to_end(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a.patch", place.exported())
    queue = place.load()
    items = queue.items(place.lab.objects)

    def missing(oid: bytes) -> bytes:
        raise MissingObject("the blob is not here")

    monkeypatch.setattr(place.lab.objects, "read", missing)
    assert unused_files(queue, items, place.lab.objects) == place.sentence(
        "cannot be compared with it (the blob is not here)"
    )


def test_a_file_that_is_used_is_none_of_these(place: Place) -> None:
    """Without a source, and where the line has no pin."""
    place.write("a.patch", place.exported().replace(b"+five\n", b"+six\n"))
    place.write("series", b"a.patch\n")
    assert place.told() == ()
    place.write("series", f"# first\na.patch # {place.pin}\n".encode())
    assert place.told() != ()
    queue = Queue.load(place.series)
    assert unused_files(queue, queue.items(place.lab.objects), place.lab.objects) == ()


def test_one_listing_and_nothing_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = place.pin
    place.write("series", "".join(f"{name}.patch # {pin}\n" for name in "abc").encode())
    place.write("other.patch", b"nobody's\n")
    listed: list[str] = []
    real = os.listdir

    def listing(path: Path) -> list[str]:
        listed.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listing)
    monkeypatch.setattr("mptcp_series.engine.beside.read_input", lambda path: pytest.fail(f"read {path}"))
    assert place.told() == ()
    assert [path for path in listed if path.startswith(str(place.series))] == [str(place.series)]


def test_files_in_directories_of_the_series(place: Place) -> None:
    place.write("series", f"sub/a.patch # {place.pin}\nnone/b.patch # {place.pin}\n".encode())
    assert place.told() == ()
    place.write("sub/a.patch", b"edited\n")
    (said,) = place.told()
    assert said.startswith(f"{place.series}/series:1: sub/a.patch is read from its pin")


@pytest.mark.parametrize("align", [True, False])
def test_the_warning_is_in_the_result(place: Place, align: bool) -> None:
    repo = place.lab.repo.path
    place.write("a.patch", place.exported().replace(b"+five\n", b"+six\n"))
    edited = place.load().apply(repo, base=place.base, align=align)
    assert edited.alignment.warnings == place.sentence("differs from it")
    place.file.unlink()
    plain = place.load().apply(repo, base=place.base, align=align)
    assert plain.alignment.warnings == ()
    assert plain.commit == edited.commit


def test_a_directory_that_has_the_queue_already_is_warned_of(place: Place, tmp_path: Path) -> None:
    tree = tmp_path / "kernel"
    for name, content in BEFORE.items():
        assert isinstance(content, bytes)
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    place.load().apply(tree).write_directory()
    place.write("a.patch", place.exported().replace(b"+five\n", b"+six\n"))
    with pytest.raises(AlreadyApplied) as caught:
        place.load().apply(tree)
    assert caught.value.same
    assert caught.value.warnings == place.sentence("differs from it")
