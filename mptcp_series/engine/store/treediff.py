# SPDX-License-Identifier: MIT
"""What differs between two versions of a directory, without taking either apart.

A commit changes one entry of a directory of a hundred, so two tree objects are the same bytes but for the 20 of
an id. What they share at both ends is found by halving; only what lies between is parsed. An entry cannot be told
from the middle of an id by looking back (an id may hold any byte), so the places where entries begin are kept with
each tree, and are those of its neighbour but for what was parsed.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...errors import EnvironmentFault
from ..text.halving import common_end, common_start

__all__ = ["RawEntry", "TreeDiffer"]

Oid = bytes

RawEntry = tuple[bytes, bytes, Oid]
"""Mode in octal digits, name, id."""

ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_ENTRY_SPAN = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)

RECENT_TREES = 1024
"""Trees kept: commits that are no neighbours share most of their directories."""


class _Tree(NamedTuple):
    data: bytes
    starts: Sequence[int]
    """Where each entry begins, then where the tree ends."""


class TreeDiffer:
    """Compares tree objects that `read` gives."""

    def __init__(self, read: Callable[[Oid], bytes]) -> None:
        self._read = read
        self._trees: OrderedDict[Oid, _Tree] = OrderedDict()

    def compare(self, before: Oid, after: Oid) -> tuple[list[RawEntry], list[RawEntry]]:
        """The entries only the first has, and those only the second has, each in the tree's order."""
        if before == after:
            return [], []
        known = self._trees.get(after)
        if before not in self._trees and known is not None:
            new, old = self.compare(after, before)
            return old, new
        left = self._trees.get(before) or self._keep(before, _parsed(self._read(before)))
        data = left.data
        other = self._read(after) if known is None else known.data
        shared = min(len(data), len(other))
        same = common_start(data, other)
        # The entry that holds the first byte that differs, and the first entry of the end they share.
        first = bisect_right(left.starts, same) - 1
        stop = bisect_left(left.starts, len(data) - common_end(data, other, shared - same))
        shift = len(other) - len(data)
        found: list[RawEntry] = []
        starts: list[int] = []
        at = left.starts[first]
        while at < left.starts[stop] + shift:
            starts.append(at)
            entry, at = _entry(other, at, after)
            found.append(entry)
        if at != left.starts[stop] + shift:
            # The ends are the same bytes and not the same entries: ids can look like names.
            return self._wholly(left, after, other)
        old = [_entry(data, at, before)[0] for at in left.starts[first:stop]]
        if known is None:
            kept = left.starts
            if shift or starts != kept[first:stop]:
                kept = [*kept[:first], *starts, *(at + shift for at in kept[stop:])]
            self._keep(after, _Tree(other, kept))
        both = set(old) & set(found)
        return [entry for entry in old if entry not in both], [entry for entry in found if entry not in both]

    def _wholly(self, left: _Tree, after: Oid, other: bytes) -> tuple[list[RawEntry], list[RawEntry]]:
        self._keep(after, _parsed(other))
        old, new = ENTRY.findall(left.data), ENTRY.findall(other)
        both = set(old) & set(new)
        return [entry for entry in old if entry not in both], [entry for entry in new if entry not in both]

    def _keep(self, oid: Oid, tree: _Tree) -> _Tree:
        self._trees[oid] = tree
        if len(self._trees) > RECENT_TREES:
            self._trees.popitem(last=False)
        return tree


def _parsed(data: bytes) -> _Tree:
    return _Tree(data, [*map(re.Match.start, _ENTRY_SPAN.finditer(data)), len(data)])


def _entry(data: bytes, at: int, tree: Oid) -> tuple[RawEntry, int]:
    """The entry that begins at a place, and where the next one does."""
    match = ENTRY.match(data, at)
    if match is None:
        raise EnvironmentFault(f"tree {tree.hex()} is damaged: no entry at byte {at}; `git fsck` says what else is")
    mode, name, oid = match.groups()
    return (mode, name, oid), match.end()
