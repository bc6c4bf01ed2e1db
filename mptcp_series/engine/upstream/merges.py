# SPDX-License-Identifier: MIT
"""Finds the merges of a range whose result on owned paths is not the automatic one.

Thousands of merges lie in a range and a merge base costs milliseconds, so most are told apart
without one: the walk knows which commits touch owned paths, and a merge of two sides of which one
brings none of them must look like the other. That holds where the sides differ by commits of the range only:
what a side has from before its start was not walked. A file that both sides changed is merged on its own, if some
commit is known to have it as the merge base does. Where all that cannot be told, the merge is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import pygit2

from ...values.paths import OwnedPaths
from ..replay.owned import Key, OwnedKeys, owned_marks
from ..replay.remerge import automatic_entry, merge_resolution
from ..store.objects import Entry, Objects
from .history import Visited

__all__ = ["MergeFinder"]

_PAIRS = 16
"""Pairs of commits before the range that are compared; beyond, a merge base is cheaper."""


@attrs.frozen
class _Line:
    """What a commit has: as sets of bits, owned-path commits of the range, and commits its range part starts from."""

    brings: int
    starts: int
    tree: str
    """A tree with the same owned files."""


class MergeFinder:
    """Told of every commit of a walk, parents first; says which merges hold work of their own."""

    def __init__(
        self,
        source: pygit2.Repository,
        objects: Objects,
        owned: OwnedPaths,
        start: pygit2.Commit | None = None,
    ) -> None:
        """start: where the range starts, if known; it spares comparisons."""
        self._source = source
        self._objects = objects
        self._owned = owned
        self._marks = owned_marks(owned)
        self._keys = OwnedKeys.of(objects, owned)
        self._lines: dict[bytes, _Line] = {}
        self._starts = _Starts(source, start)
        self._touched: list[tuple[frozenset[str], _Line]] = []
        """Owned paths of each owned-path commit, and what it has, by bit."""

    def touches(self, visited: Visited) -> bool:
        """Take note of a commit that is no merge; says whether it touches owned paths."""
        if visited.touches(self._marks):
            self._note(visited, frozenset(path for path in visited.paths if self._owned.contains(path)))
            return True
        if len(visited.parent_ids) == 1:
            self._lines[visited.commit_id] = self._line(visited.parent_ids[0])
        else:
            self._note(visited, frozenset())
        return False

    def has_own_work(self, visited: Visited) -> bool:
        """Whether a merge's result on owned paths differs from the automatic merge of its parents."""
        own = self._resolution(visited)
        self._note(visited, own)
        return bool(own)

    def _note(self, visited: Visited, paths: frozenset[str]) -> None:
        brings = starts = 0
        for parent in visited.parent_ids:
            line = self._line(parent)
            brings |= line.brings
            starts |= line.starts
        line = _Line(brings | (1 << len(self._touched) if paths else 0), starts, visited.tree)
        if paths:
            self._touched.append((paths, line))
        self._lines[visited.commit_id] = line

    def _line(self, commit: bytes) -> _Line:
        known = self._lines.get(commit)
        if known is None:
            found = self._source[commit.decode("ascii")]
            assert isinstance(found, pygit2.Commit)
            known = self._lines[commit] = _Line(0, self._starts.bit(found.id), str(found.tree_id))
        return known

    def _resolution(self, visited: Visited) -> frozenset[str]:
        """Owned paths at which a merge is not the automatic one."""
        if self._is_plain(visited):
            return frozenset()
        commit = self._source[visited.commit]
        assert isinstance(commit, pygit2.Commit)
        changes = merge_resolution(self._source, self._objects, commit, self._owned)
        return frozenset(change.path for change in changes)

    def _is_plain(self, visited: Visited) -> bool:
        """Whether each owned file is as the one side has it that changed it, told by what the walk has seen."""
        result = self._key(visited.tree)
        lines = [self._line(parent) for parent in visited.parent_ids]
        if len(lines) != 2:
            return bool(lines) and all(self._key(line.tree) == result for line in lines)
        first, second = lines
        alone = (first.brings & ~second.brings, second.brings & ~first.brings)
        # A side that adds nothing leaves the other as it is.
        if not alone[1] and self._key(first.tree) == result and self._starts.has(first.starts, second.starts):
            return True
        if not alone[0] and self._key(second.tree) == result and self._starts.has(second.starts, first.starts):
            return True
        if self._key(first.tree) == self._key(second.tree) == result:
            return True
        if not (self._starts.has(first.starts, second.starts) and self._starts.has(second.starts, first.starts)):
            return False
        changed = [self._paths(brings) for brings in alone]
        both = changed[0] & changed[1]
        merged = self._files(visited.tree)
        unlike = [_unlike(self._files(line.tree), merged) - both for line in lines]
        # A file only one side changed is as on that side; any other is as on either.
        if unlike[0] & unlike[1] or unlike[0] & changed[0] or unlike[1] & changed[1]:
            return False
        return all(self._is_merged(path, first, second, merged.get(path)) for path in sorted(both))

    def _is_merged(self, path: str, first: _Line, second: _Line, result: Entry | None) -> bool:
        """Whether a file that both sides changed is what merging it gives, as far as that is told quickly."""
        base = self._before(path, first, second)
        if base is None:
            return False
        before, ours, theirs = (self._files(line.tree).get(path) for line in (base, first, second))
        # A file that is not everywhere may have another name somewhere.
        if before is None or ours is None or theirs is None:
            return False
        return automatic_entry(self._objects, before, ours, theirs) == result

    def _before(self, path: str, first: _Line, second: _Line) -> _Line | None:
        """A commit that has a file as the merge base of two lines has it; None where none is known to.

        It is the last of the commits both have that touch the file, if it has all the others: those between it and
        the merge base do not.
        """
        common = first.brings & second.brings
        latest = next((line for paths, line in self._known(common) if path in paths), None)
        if latest is None or not self._starts.has(latest.starts, first.starts | second.starts):
            return None
        return None if any(path in paths for paths, _ in self._known(common & ~latest.brings)) else latest

    def _known(self, brings: int) -> Iterator[tuple[frozenset[str], _Line]]:
        """Owned-path commits of a set, the last of the walk first."""
        while brings:
            bit = brings.bit_length() - 1
            yield self._touched[bit]
            brings ^= 1 << bit

    def _files(self, tree: str) -> Mapping[str, Entry]:
        return self._keys.files(bytes.fromhex(tree))

    def _key(self, tree: str) -> Key:
        return self._keys.key(bytes.fromhex(tree))

    def _paths(self, brings: int) -> frozenset[str]:
        return frozenset(path for bit in _bits(brings) for path in self._touched[bit][0])


def _unlike(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> set[str]:
    """Paths at which two lists of files differ."""
    return {path for path in {**one, **other} if one.get(path) != other.get(path)}


class _Starts:
    """Commits before the range that commits of it have as parents, and which of them have which others."""

    def __init__(self, source: pygit2.Repository, start: pygit2.Commit | None) -> None:
        self._source = source
        self._commits: list[pygit2.Oid] = []
        self._known: dict[tuple[int, int], bool] = {}
        # All of them are in the history of the range's start. While that is a single line down to one of them, that
        # one has all the others; this line is walked no further than needed.
        self._next = start
        self._line: dict[pygit2.Oid, int] = {}
        self._top: tuple[int, int] | None = None
        """The first of them on that line: its place there, and its bit."""

    def bit(self, identifier: pygit2.Oid) -> int:
        """A new one, as a set of one bit."""
        bit = 1 << len(self._commits)
        self._commits.append(identifier)
        place = self._line.get(identifier)
        if place is not None and (self._top is None or place < self._top[0]):
            self._top = place, bit
        return bit

    def has(self, side: int, others: int) -> bool:
        """Whether one of `side` has each of `others`, as far as that is told quickly."""
        others &= ~side
        if not others or side & self._topmost():
            return True
        if side.bit_count() * others.bit_count() > _PAIRS:
            return False
        return all(any(self._has(one, other) for one in _bits(side)) for other in _bits(others))

    def _has(self, one: int, other: int) -> bool:
        known = self._known.get((one, other))
        if known is None:
            known = bool(self._source.descendant_of(self._commits[one], self._commits[other]))
            self._known[one, other] = known
        return known

    def _topmost(self) -> int:
        while self._top is None and self._next is not None:
            commit = self._next
            place = self._line[commit.id] = len(self._line)
            if commit.id in self._commits:
                self._top = place, 1 << self._commits.index(commit.id)
            parents = commit.parent_ids
            following = self._source.get(parents[0]) if len(parents) == 1 else None
            self._next = following if isinstance(following, pygit2.Commit) else None
        return 0 if self._top is None else self._top[1]


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
