# SPDX-License-Identifier: MIT
"""The content of pinned patches: the diff of a commit of the source, as a patch file would have it.

Of a merge it is what the merge itself did to the paths the queue owns, which is what `export` and `apply` make of such
a pin too. The recipe that says which these are lies in the patch directory.
"""

from __future__ import annotations

import attrs
import pygit2

from ...errors import BadSeries, MissingObject
from ...values.paths import OwnedPaths
from ...values.provenance import with_provenance
from ...values.recipe import Recipe
from ...values.result import EntryKind
from ...values.series import SeriesEntry
from ..exchange.render import render_patch
from ..replay.change import BlobChange
from ..replay.item import item_from_commit
from ..store.files import read_input
from ..store.objects import Objects
from .queue import Quilt

__all__ = ["Pins"]


class Pins:
    """Reads commits of a source as patches of a quilt directory."""

    def __init__(self, source: pygit2.Repository, quilt: Quilt) -> None:
        self._source = source
        self._quilt = quilt
        self._owned: OwnedPaths | None = None
        self.objects = Objects(source)

    def patch(self, entry: SeriesEntry, *, provenance: bool = False) -> bytes:
        """The patch a line pins, with full index lines; with the commit it is named in its message, if wanted.

        Raises MissingObject, and for a merge BadSeries where there is no recipe or nothing of the merge's own, and
        BadRecipe.
        """
        merge = self._is_merge(entry)
        owned = self._owned_paths(entry) if merge else OwnedPaths(patterns=())
        plain = SeriesEntry(name=entry.name, pin=entry.pin)
        item = item_from_commit(self._source, self.objects, plain, EntryKind.PATCH, owned)
        if merge and not item.changes:
            raise self._no_patch(
                entry, "a merge that has no work of its own on the paths the recipe owns; name the commits it brought"
            )
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
        raw = item.raw
        if provenance and entry.pin is not None:
            raw = attrs.evolve(raw, message=with_provenance(raw.message, entry.pin))
        return render_patch(self.objects, raw, changes)

    def _is_merge(self, entry: SeriesEntry) -> bool:
        commit = None if entry.pin is None else self._source.get(entry.pin)
        return isinstance(commit, pygit2.Commit) and len(commit.parent_ids) > 1

    def _owned_paths(self, entry: SeriesEntry) -> OwnedPaths:
        if self._owned is None:
            file = self._quilt.patches / "recipe.toml"
            if not file.is_file():
                raise self._no_patch(
                    entry,
                    "a merge, and its patch is what it did itself to the paths the queue owns; these are named in "
                    f"{file}, which is not there: put the queue's recipe there",
                )
            self._owned = Recipe.parse(read_input(file), str(file)).owned
        return self._owned

    def _no_patch(self, entry: SeriesEntry, why: str) -> BadSeries:
        return BadSeries(
            f"{entry.name} is pinned to {entry.pin}, {why}", file=str(self._quilt.series_file), line=entry.line or None
        )

    def blob(self, name: str) -> bytes | None:
        """The content an index line names, None where the source does not have it."""
        try:
            oid = self.objects.expand(name)
            return None if oid is None else self.objects.read(oid)
        except MissingObject:
            return None
