# SPDX-License-Identifier: MIT
"""The content of pinned patches: the diff of a commit of the source, as a patch file would have it."""

from __future__ import annotations

import attrs
import pygit2

from ...errors import MissingObject
from ...values.paths import OwnedPaths
from ...values.provenance import with_provenance
from ...values.result import EntryKind
from ...values.series import SeriesEntry
from ..exchange.render import render_patch
from ..replay.change import BlobChange
from ..replay.item import item_from_commit
from ..store.objects import Objects

__all__ = ["Pins"]


class Pins:
    """Reads commits of a source as patches."""

    def __init__(self, source: pygit2.Repository) -> None:
        self._source = source
        self.objects = Objects(source)

    def patch(self, entry: SeriesEntry, *, provenance: bool = False) -> bytes:
        """The patch a line pins, with full index lines; with the commit it is named in its message, if wanted.

        Raises MissingObject.
        """
        plain = SeriesEntry(name=entry.name, pin=entry.pin)
        item = item_from_commit(self._source, self.objects, plain, EntryKind.PATCH, OwnedPaths(patterns=()))
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
        raw = item.raw
        if provenance and entry.pin is not None:
            raw = attrs.evolve(raw, message=with_provenance(raw.message, entry.pin))
        return render_patch(self.objects, raw, changes)

    def blob(self, name: str) -> bytes | None:
        """The content an index line names, None where the source does not have it."""
        try:
            oid = self.objects.expand(name)
            return None if oid is None else self.objects.read(oid)
        except MissingObject:
            return None
