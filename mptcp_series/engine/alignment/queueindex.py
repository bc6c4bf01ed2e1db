# SPDX-License-Identifier: MIT
"""Which patch of the queue a change of the base is: by upstream id, then by subject.

A subject alone is weak (`mptcp: fix a typo`), so at least half of the telling lines must be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..replay.change import Change, TextChange
from ..replay.item import Item
from ..store.objects import Objects
from .coverage import weight
from .delta import BaseChange, changed_lines, hunk_lines
from .once import once

__all__ = ["QueueIndex"]


class QueueIndex:
    """The patches of a queue by the ids they answer to and by their subjects."""

    @classmethod
    def of_queue(cls, objects: Objects, items: Sequence[Item]) -> QueueIndex:
        """The one that was made of the same items before; it keeps them, so their identities stay theirs."""
        return once(objects, ("queue index", *map(id, items)), lambda: cls(objects, items))

    def __init__(self, objects: Objects, items: Sequence[Item]) -> None:
        self._objects = objects
        self._items = tuple(items)
        self._by_id: dict[str, Item] = {}
        self._by_subject: dict[str, list[Item]] = {}
        for item in items:
            for identifier in item.upstream:
                self._by_id.setdefault(identifier, item)
            self._by_subject.setdefault(item.subject, []).append(item)

    def patch(self, change: BaseChange) -> Item | None:
        for identifier in change.ids:
            if identifier in self._by_id:
                return self._by_id[identifier]
        if change.raw is None or change.subject not in self._by_subject:
            return None
        mine = self._lines(change.changes)
        best: tuple[int, Item] | None = None
        for item in self._by_subject[change.subject]:
            theirs = self._lines(item.changes)
            alike = len(mine & theirs)
            if alike and 2 * alike >= min(len(mine), len(theirs)) and (best is None or alike > best[0]):
                best = (alike, item)
        return None if best is None else best[1]

    def _lines(self, changes: Iterable[Change]) -> set[tuple[int, bytes]]:
        """The telling lines that changes remove and add."""
        found: set[tuple[int, bytes]] = set()
        for change in changes:
            if isinstance(change, TextChange):
                sides = hunk_lines(change.file.hunks)
            else:
                sides = changed_lines(self._objects, change)
            found |= {(side, line) for side in (0, 1) for line in sides[side] if weight([line])}
        return found
