# SPDX-License-Identifier: MIT
"""The owned paths of many trees, compared without reading files."""

from __future__ import annotations

from collections.abc import Iterable

from ..values.paths import OwnedPaths
from .change import BlobChange, tree_changes_at
from .objects import Entry, Objects, Oid
from .tree import TreeEditor, path_bytes

__all__ = ["Key", "OwnedKeys", "owned_changes", "owned_files"]

Key = tuple[Entry | None, ...]
"""What a tree has at each owned path: a file or a whole directory. Equal keys, equal owned paths."""


class OwnedKeys:
    """Keys of trees; subtrees that thousands of trees share are read once."""

    def __init__(self, objects: Objects, owned: OwnedPaths) -> None:
        self._objects = objects
        self._paths = [path_bytes(pattern.rstrip("/")).split(b"/") for pattern in owned.patterns]
        self._below: dict[tuple[Oid, int, int], Entry | None] = {}
        self._roots: dict[Oid, Key] = {}

    def key(self, tree: Oid) -> Key:
        """The key of a root tree."""
        key = self._roots.get(tree)
        if key is None:
            key = self._roots[tree] = tuple(self._lookup(tree, which, 0) for which in range(len(self._paths)))
        return key

    def _lookup(self, tree: Oid, which: int, depth: int) -> Entry | None:
        memo = (tree, which, depth)
        if memo in self._below:
            return self._below[memo]
        parts = self._paths[which]
        entry = self._objects.peek(tree, parts[depth])
        if entry is not None and depth + 1 < len(parts):
            entry = self._lookup(entry.oid, which, depth + 1) if entry.is_tree else None
        if depth:
            self._below[memo] = entry
        return entry


def owned_files(tree: TreeEditor, patterns: Iterable[str]) -> dict[str, Entry]:
    """Every file of a tree that the patterns own, by path."""
    found: dict[str, Entry] = {}
    for pattern in patterns:
        found |= tree.files(pattern)
    return found


def owned_changes(objects: Objects, owned: OwnedPaths, before: Oid, after: Oid) -> list[BlobChange]:
    """What differs between two root trees on owned paths, sorted by path, without renames."""
    return tree_changes_at(objects, before, after, owned.patterns)
