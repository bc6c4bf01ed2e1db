# SPDX-License-Identifier: MIT
"""The owned paths of many trees, compared without reading files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...values.paths import OwnedPaths
from ..alignment.once import once
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor, path_bytes, path_text
from .change import BlobChange, tree_changes_at

__all__ = ["Key", "OwnedKeys", "owned_changes", "owned_files", "owned_marks"]

Key = tuple[Entry | None, ...]
"""What a tree has at each owned path: a file or a whole directory. Equal keys, equal owned paths."""


Node = dict[bytes, "int | Node"]
"""Names to look for in a directory: the number of an owned path, or what to look for below."""


class OwnedKeys:
    """Keys of trees; subtrees that thousands of trees share are read once."""

    @classmethod
    def of(cls, objects: Objects, owned: OwnedPaths) -> OwnedKeys:
        """Those that were made for the same objects before."""
        return once(objects, ("owned keys", owned), lambda: cls(objects, owned))

    def __init__(self, objects: Objects, owned: OwnedPaths) -> None:
        self._objects = objects
        self._patterns = owned.patterns
        self._wanted: Node = {}
        for number, pattern in enumerate(owned.patterns):
            *parents, name = path_bytes(pattern.rstrip("/")).split(b"/")
            node = self._wanted
            for parent in parents:
                below = node.setdefault(parent, {})
                # An owned directory above has this path too.
                if isinstance(below, int):
                    break
                node = below
            else:
                node[name] = number
        self._below: dict[tuple[Oid, int], tuple[tuple[int, Entry], ...]] = {}
        self._roots: dict[Oid, Key] = {}
        self._files: dict[Key, Mapping[str, Entry]] = {}
        self._listed: dict[tuple[str, Oid], dict[str, Entry]] = {}

    def key(self, tree: Oid) -> Key:
        """The key of a root tree."""
        key = self._roots.get(tree)
        if key is None:
            found = dict(self._look(tree, self._wanted))
            key = self._roots[tree] = tuple(found.get(number) for number in range(len(self._patterns)))
        return key

    def files(self, tree: Oid) -> Mapping[str, Entry]:
        """Every owned file of a root tree, by path."""
        key = self.key(tree)
        known = self._files.get(key)
        if known is None:
            found: dict[str, Entry] = {}
            for pattern, entry in zip(self._patterns, key, strict=True):
                if entry is not None:
                    found |= self._at(pattern.rstrip("/"), entry)
            known = self._files[key] = found
        return known

    def _at(self, path: str, entry: Entry) -> dict[str, Entry]:
        if not entry.is_tree:
            return {path: entry}
        found = self._listed.get((path, entry.oid))
        if found is None:
            found = self._listed[path, entry.oid] = {}
            for name, below in self._objects.tree(entry.oid).items():
                found |= self._at(f"{path}/{path_text(name)}", below)
        return found

    def _look(self, tree: Oid, wanted: Node) -> list[tuple[int, Entry]]:
        found: list[tuple[int, Entry]] = []
        for name, entry in self._objects.select(tree, wanted):
            below = wanted[name]
            if isinstance(below, int):
                found.append((below, entry))
            elif entry.is_tree:
                memo = (entry.oid, id(below))
                if memo not in self._below:
                    self._below[memo] = tuple(self._look(entry.oid, below))
                found += self._below[memo]
        return found


def owned_marks(owned: OwnedPaths) -> tuple[bytes, ...]:
    """What stands in a NUL-separated list of paths when one of them is owned (see `Visited.names`)."""
    return tuple(b"\0" + path_bytes(pattern) + (b"" if pattern.endswith("/") else b"\0") for pattern in owned.patterns)


def owned_files(tree: TreeEditor, patterns: Iterable[str]) -> dict[str, Entry]:
    """Every file of a tree that the patterns own, by path."""
    found: dict[str, Entry] = {}
    for pattern in patterns:
        found |= tree.files(pattern)
    return found


def owned_changes(objects: Objects, owned: OwnedPaths, before: Oid, after: Oid) -> list[BlobChange]:
    """What differs between two root trees on owned paths, sorted by path, without renames."""
    return tree_changes_at(objects, before, after, owned.patterns)
