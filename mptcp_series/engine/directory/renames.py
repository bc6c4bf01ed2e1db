# SPDX-License-Identifier: MIT
"""Renames on a plain directory: files that upstream does not have are looked for by name, without reading the rest."""

from __future__ import annotations

from ..replay.renames import RenameFinder
from ..store.objects import TREE, Entry, Oid
from ..store.tree import path_bytes, path_text
from .snapshot import Snapshot, SnapshotObjects

__all__ = ["SnapshotRenames"]


class SnapshotRenames(RenameFinder):
    """As the finder for repositories; a directory nobody has looked into is not read to be compared."""

    def _only_in(self, tree: Oid, reference: Oid | None, prefix: bytes) -> list[tuple[str, Entry]]:
        objects = self._objects
        place = objects.place_of(tree) if isinstance(objects, SnapshotObjects) else None
        if place is None:
            return super()._only_in(tree, reference, prefix)
        return self._by_name(*place, reference)

    def _by_name(self, snapshot: Snapshot, path: str, reference: Oid | None) -> list[tuple[str, Entry]]:
        there = {} if reference is None else self._objects.tree(reference)
        found: list[tuple[str, Entry]] = []
        for name, is_directory in snapshot.names(path):
            other = there.get(path_bytes(name))
            below = f"{path}/{name}" if path else name
            if is_directory:
                upstream = other.oid if other is not None and other.mode == TREE else None
                found += self._by_name(snapshot, below, upstream)
            elif other is None and (entry := snapshot.entry(below)) is not None:
                found.append((path_text(path_bytes(below)), entry))
        return found
