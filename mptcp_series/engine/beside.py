# SPDX-License-Identifier: MIT
"""Patch files that lie beside pinned lines and are not used: what a person edited there is told, never lost in silence.

With a source, a pinned line is read from its commit. A file of its name may be there as well (`extract --materialise`
leaves one); as long as it makes of the commit's files what the commit does, it is the same patch, however it is
written: message, index lines, order and context do not count. Any other is somebody's work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput, MissingObject
from ..values.binary import new_content
from ..values.filechange import ChangeKind, FileChange
from ..values.patch import Patch
from ..values.series import SeriesEntry
from .replay.change import BlobChange, apply_exactly, entry_text
from .replay.item import Item
from .store.files import read_input
from .store.objects import Entry, Objects, hexed
from .store.tree import BlockedPath, TreeEditor
from .text.place import place

if TYPE_CHECKING:
    from .queue import Queue

__all__ = ["unused_files"]


def unused_files(queue: Queue, items: Sequence[Item], objects: Objects) -> tuple[str, ...]:
    """A sentence for each file beside a pinned line that differs from what the pin is read as, in order of the series.

    items: the entries of the series, read, in its order.
    Where no such file is there, nothing is read but the names in the directory of the series.
    """
    if queue.source is None:
        return ()
    pairs = [(entry, item) for entry, item in zip(queue.series.entries, items, strict=True) if entry.pin is not None]
    there = _files(queue.directory, [entry.name for entry, _ in pairs])
    found = []
    for entry, item in pairs:
        path = queue.directory / entry.name
        what = _difference(objects, entry, item, path) if entry.name in there and path.is_file() else None
        if what is not None:
            found.append(
                f"{queue.series.file}:{entry.line}: {entry.name} is read from its pin in the source; the file {path} "
                f"{what} and is not used: take the pin out of the line to use the file, or delete the file"
            )
    return tuple(found)


def _files(directory: Path, names: Iterable[str]) -> set[str]:
    """Which of these names are there; each directory is listed once."""
    asked = set(names)
    found: set[str] = set()
    for parent in {os.path.dirname(name) for name in asked}:
        try:
            found.update(os.path.join(parent, name) for name in os.listdir(directory / parent))
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found & asked


def _difference(objects: Objects, entry: SeriesEntry, item: Item, path: Path) -> str | None:
    """In what a patch file is not the pinned commit, as the middle of a sentence; None where it is the same patch."""
    try:
        patch = Patch.parse(read_input(path), str(path), strip=entry.strip)
    except BadInput as error:
        return f"cannot be read as a patch ({error.problems[0].message})"
    changes = [change.reversed() for change in reversed(patch.changes)] if entry.reverse else patch.changes
    try:
        same = _Images(objects, item).lead(changes)
    except MissingObject as error:
        return f"cannot be compared with it ({error})"
    return None if same else "differs from it"


class _Images:
    """The files a pinned commit changes, and the patch files that are tried on them."""

    def __init__(self, objects: Objects, item: Item) -> None:
        self._objects = objects
        self._tree = None if item.before is None else TreeEditor(objects, item.before)
        self._before: dict[str, Entry | None] = {}
        self._after: dict[str, Entry | None] = {}
        for change in item.changes:
            assert isinstance(change, BlobChange)
            self._before.setdefault(change.path, None)
            self._before[change.old_path] = change.old
            self._after.setdefault(change.old_path, None)
            self._after[change.path] = change.new
        self._made: dict[str, tuple[int, bytes] | None] = {}
        """Files as the changes so far leave them: mode and content."""

    def lead(self, changes: Iterable[FileChange]) -> bool:
        """Whether these changes make of the files what the commit does, and change no other."""
        if not all(self._take(change) for change in changes):
            return False
        return all(self._found(path) == self._image(self._after_of(path)) for path in {*self._made, *self._after})

    def _take(self, change: FileChange) -> bool:
        """Do what one section says; False where it does not fit the files before the commit."""
        old_path = change.path if change.old_path is None else change.old_path
        old = None if change.kind is ChangeKind.ADD else self._found(old_path)
        if (old is None) != (change.kind is ChangeKind.ADD):
            return False
        content = self._content(change, b"" if old is None else old[1])
        if content is None:
            return False
        if change.kind in (ChangeKind.DELETE, ChangeKind.RENAME):
            self._made[old_path] = None
        if change.kind is ChangeKind.DELETE:
            return not content
        if change.kind is ChangeKind.ADD and self._found(change.path) is not None:
            return False
        self._made[change.path] = (self._mode(change, old), content)
        return True

    def _content(self, change: FileChange, old: bytes) -> bytes | None:
        if change.binary is not None:
            made = new_content(change.binary, old, reverse=change.binary_reversed)
            return self._named(change) if made is None else made
        exact = apply_exactly(old, change.hunks)
        if change.converted and (exact is None or change.kind is ChangeKind.ADD):
            exact = apply_exactly(old, [hunk.without_carriage_returns() for hunk in change.hunks])
        if exact is not None:
            return exact
        placed = place(old, change.hunks)
        return placed.content if placed.complete else None

    def _named(self, change: FileChange) -> bytes | None:
        """Of `Binary files differ`, which holds no content: what the commit has, where the index line names it."""
        if change.kind is ChangeKind.DELETE:
            return b""
        entry = self._after_of(change.path)
        named = change.new_blob is not None and entry is not None and hexed(entry.oid).startswith(change.new_blob)
        return entry_text(self._objects, entry) if named else None

    def _mode(self, change: FileChange, old: tuple[int, bytes] | None) -> int:
        """The mode a section gives a file; a new one of which it says nothing may have any."""
        if change.new_mode is not None:
            return change.new_mode
        if old is not None:
            return old[0]
        after = self._after_of(change.path)
        return 0 if after is None else after.mode

    def _found(self, path: str) -> tuple[int, bytes] | None:
        """A file as it is now."""
        if path in self._made:
            return self._made[path]
        return self._image(self._before[path] if path in self._before else self._untouched(path))

    def _after_of(self, path: str) -> Entry | None:
        return self._after[path] if path in self._after else self._untouched(path)

    def _untouched(self, path: str) -> Entry | None:
        """A file the commit does not change; of a merge none is known."""
        try:
            return None if self._tree is None else self._tree.get(path)
        except BlockedPath:
            return None

    def _image(self, entry: Entry | None) -> tuple[int, bytes] | None:
        return None if entry is None else (entry.mode, entry_text(self._objects, entry))
