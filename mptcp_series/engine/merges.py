# SPDX-License-Identifier: MIT
"""Finds the merges of a range whose result on owned paths is not the automatic one.

Thousands of merges lie in a range and a merge base costs milliseconds, so most are told apart
without one: the walk knows which commits touch owned paths, and a merge of two sides of which one
brings none of them must look like the other.
"""

from __future__ import annotations

import pygit2

from ..values.paths import OwnedPaths
from .history import Visited
from .objects import Objects
from .owned import OwnedKeys
from .remerge import merge_resolution

__all__ = ["MergeFinder"]

class MergeFinder:
    """Told of every commit of a walk, parents first; says which merges hold work of their own."""

    def __init__(self, source: pygit2.Repository, objects: Objects, owned: OwnedPaths) -> None:
        self._source = source
        self._objects = objects
        self._owned = owned
        self._keys = OwnedKeys(objects, owned)
        self._trees: dict[str, str] = {}
        self._brings: dict[str, int] = {}
        """By commit: the owned-path commits of the range it has, as a set of bits."""
        self._bit = 1

    def touches(self, visited: Visited) -> None:
        """Take note of a commit that is no merge."""
        owned = any(self._owned.contains(path.decode("utf-8", "surrogateescape")) for path in visited.paths)
        self._note(visited, owned)

    def has_own_work(self, visited: Visited) -> bool:
        """Whether a merge's result on owned paths differs from the automatic merge of its parents."""
        own = self._differs(visited)
        self._note(visited, own)
        return own

    def _note(self, visited: Visited, adds: bool) -> None:
        self._trees[visited.commit] = visited.tree
        brings = 0
        for parent in visited.parents:
            brings |= self._brings.get(parent, 0)
        if adds:
            brings |= self._bit
            self._bit <<= 1
        self._brings[visited.commit] = brings

    def _differs(self, visited: Visited) -> bool:
        result = self._keys.key(bytes.fromhex(visited.tree))
        sides = [self._keys.key(bytes.fromhex(self._tree_of(parent))) for parent in visited.parents]
        if all(side == result for side in sides):
            return False
        if len(visited.parents) == 2:
            first, second = (self._brings.get(parent, 0) for parent in visited.parents)
            if first != second:
                if second | first == first and result == sides[0]:
                    return False
                if second | first == second and result == sides[1]:
                    return False
        commit = self._source[visited.commit]
        assert isinstance(commit, pygit2.Commit)
        return bool(merge_resolution(self._source, self._objects, commit, self._owned))

    def _tree_of(self, commit: str) -> str:
        known = self._trees.get(commit)
        if known is None:
            found = self._source[commit]
            assert isinstance(found, pygit2.Commit)
            known = self._trees[commit] = str(found.tree_id)
        return known
