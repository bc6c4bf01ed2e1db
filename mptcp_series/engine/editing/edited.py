# SPDX-License-Identifier: MIT
"""A queue some of whose patches are others than its files say: what an edit would come to, before it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ...values.series import Series, SeriesEntry
from ..queue import Queue
from ..replay.item import Item, RawCommit, item_from_patch
from ..result import Result
from ..store.objects import Objects

__all__ = ["EditedQueue", "Make", "edited", "from_bytes", "new_reasons"]

Make = Callable[[Objects], Item]
"""Reads an entry into a run's objects."""


@attrs.frozen(kw_only=True, eq=False)
class EditedQueue(Queue):
    """The queue with another series, and with patches from memory in place of those of its files."""

    made: Mapping[str, Make] = attrs.field(factory=dict)

    def _item(self, objects: Objects, entry: SeriesEntry) -> Item:
        make = self.made.get(entry.name)
        return Queue._item(self, objects, entry) if make is None else make(objects)


def edited(queue: Queue, series: Series, made: Mapping[str, Make]) -> EditedQueue:
    """The queue with these changes; of a stack, its uppermost series."""
    known = {field.name: getattr(queue, field.name) for field in attrs.fields(Queue)}
    before = queue.made if isinstance(queue, EditedQueue) else {}
    return EditedQueue(**{**known, "series": series}, made={**before, **made})


def from_bytes(queue: Queue, entry: SeriesEntry, data: bytes, *, raw: RawCommit | None = None) -> Make:
    """An entry as a patch file of these bytes will be read."""

    def make(objects: Objects) -> Item:
        item = item_from_patch(objects, entry, data, str(queue.directory / entry.name), queue.name)
        return item if raw is None else attrs.evolve(item, raw=raw)

    return make


def new_reasons(before: Result, after: Result) -> list[str]:
    """What needs a person after an edit and did not before it."""
    known = set(before.reasons())
    return [reason for reason in after.reasons() if reason not in known]
