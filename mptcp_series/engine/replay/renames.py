# SPDX-License-Identifier: MIT
"""Finds where a base keeps a file that a patch knows under another name.

Git's merge sees a rename on our side when a file is gone and one that is new is alike (50 %). The same
is asked here, but only for a file that is missing: the replay never compares whole trees otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..store.objects import TREE, Entry, Objects, Oid
from ..store.tree import TreeEditor, path_text
from ..text.similarity import THRESHOLD, similarity

__all__ = ["RenameFinder"]

LIMIT = 1000
"""Candidates compared by content (git's `merge.renameLimit` is of this size); same-named ones always are."""

EMPTY: Final = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
"""Id of the empty blob."""


class RenameFinder:
    """Remembers its answers: a file that was looked for once is not looked for again."""

    def __init__(self, objects: Objects, tree: TreeEditor) -> None:
        self._objects = objects
        self._tree = tree
        self._found: dict[str, str | None] = {}
        self._reference: Oid | None = None
        self._parent: TreeEditor | None = None
        self._makes: Mapping[str, str] = {}
        self._added: dict[str, Entry] = {}
        self._searched: Oid | None = None
        """The tree that `_added` tells of: patches of the queue rename files too."""

    def over(self, tree: TreeEditor) -> RenameFinder:
        """A finder that has found the same, for a run of its own over another tree."""
        other = type(self)(self._objects, tree)
        other._found = dict(self._found)
        other._reference = self._reference
        return other

    def refer(self, tree: Oid) -> None:
        """The upstream tree a file would have to be absent from to count as renamed on the base."""
        if self._reference is None:
            self._reference = tree

    def of_patch(self, parent: Oid | None, makes: Mapping[str, str]) -> None:
        """The patch whose files are looked for next.

        What its own parent has at a path is another file, as in git's merge, whose merge base that is; and so is what
        the patch itself brings.

        parent: the tree it was made on.
        makes: the paths that it adds files at, or moves them to; with the path a file comes from.
        """
        self._parent = None if parent is None else TreeEditor(self._objects, parent)
        self._makes = makes

    def find(self, path: str, old: Entry | None) -> str | None:
        """The path under which the current tree has the file, None if it does not."""
        known = self._found.get(path)
        if known is not None and self._tree.get(known) is not None:
            return None if self._is_another(known, path) else known
        if path in self._found or old is None or not old.is_text or self._reference is None:
            return None
        if old.oid == EMPTY:
            # Any empty file would do; git's merge follows none.
            return None
        self._found[path] = self._search(path, old)
        return self._found[path]

    def _search(self, path: str, old: Entry) -> str | None:
        tree = self._tree.write()
        if self._searched != tree:
            self._searched = tree
            self._added = dict(self._only_in(tree, self._reference, b""))
        name = path.rsplit("/", 1)[-1]
        candidates = [
            (other, entry)
            for other, entry in self._added.items()
            if entry.is_text and not self._is_another(other, path)
        ]
        same = [other for other, entry in candidates if entry.oid == old.oid]
        if same:
            return min(same, key=lambda other: (other.rsplit("/", 1)[-1] != name, other))
        candidates.sort(key=lambda item: (item[0].rsplit("/", 1)[-1] != name, item[0]))
        if len(candidates) > LIMIT:
            candidates = [item for item in candidates if item[0].rsplit("/", 1)[-1] == name]
        wanted = self._objects.read(old.oid)
        scored = [(similarity(wanted, self._objects.read(entry.oid)), other) for other, entry in candidates]
        best = max(scored, default=(0.0, ""))
        return best[1] if best[0] >= THRESHOLD else None

    def _is_another(self, other: str, path: str) -> bool:
        if other in self._makes and self._makes[other] != path:
            return True
        return self._parent is not None and self._parent.get(other) is not None

    def _only_in(self, tree: Oid, reference: Oid | None, prefix: bytes) -> list[tuple[str, Entry]]:
        """Files of a tree at paths the reference does not have."""
        there = {} if reference is None else self._objects.tree(reference)
        found: list[tuple[str, Entry]] = []
        for name, entry in self._objects.tree(tree).items():
            other = there.get(name)
            if other is not None and other.oid == entry.oid:
                continue
            if entry.mode == TREE:
                below = other.oid if other is not None and other.mode == TREE else None
                found += self._only_in(entry.oid, below, prefix + name + b"/")
            elif other is None:
                found.append((path_text(prefix + name), entry))
        return found
