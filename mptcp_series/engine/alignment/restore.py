# SPDX-License-Identifier: MIT
"""Puts back what nothing covers: entries at the end of the queue.

First remedy: the same upstream commit, picked from the source (the target's own stable line, then
mainline). Second: the base's own change, carried by three-way merge. A vendor's edit is always carried,
and so is what the queue has but did not bring here: to pick a patch a second time that an override left
out would undo the override.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import attrs
import pygit2

from ...errors import MissingObject
from ...values.alignment import Lost, Remedy, Restored
from ...values.naming import patch_name
from ...values.paths import OwnedPaths
from ...values.provenance import upstream_ids
from ...values.recipe import LostPolicy
from ...values.result import EntryKind
from ...values.series import SeriesEntry
from ..replay.change import BlobChange
from ..replay.item import Item, RawCommit, item_from_commit
from ..store.objects import Objects
from .align import Uncovered
from .delta import BaseChange, Origin
from .stable import StableLine

__all__ = ["Restoration", "Restorer"]


@attrs.frozen(kw_only=True, eq=False)
class Restoration:
    """The entries that put changes back, the account of them, and what is lost."""

    items: tuple[Item, ...] = ()
    restored: tuple[Restored, ...] = ()
    lost: tuple[Lost, ...] = ()
    changes: tuple[BaseChange, ...] = ()
    """What each item puts back."""
    warnings: tuple[str, ...] = ()


@attrs.define(kw_only=True, eq=False)
class Restorer:
    """Chooses the remedy of each change that nothing covers."""

    objects: Objects
    source: pygit2.Repository
    owned: OwnedPaths
    line: StableLine
    policy: LostPolicy
    left_out: AbstractSet[str]
    """Ids of commits that are not to be picked: the queue has them, or the recipe excludes them."""
    base_name: str
    date: bytes
    names: set[str]
    """Names that are taken."""
    items: list[Item] = attrs.field(init=False, factory=list)
    restored: list[Restored] = attrs.field(init=False, factory=list)
    lost: list[Lost] = attrs.field(init=False, factory=list)
    changes: list[BaseChange] = attrs.field(init=False, factory=list)
    warnings: list[str] = attrs.field(init=False, factory=list)

    def run(self, uncovered: Iterable[Uncovered]) -> Restoration:
        # A vendor's edits come on top of what stable brings, as on the base.
        for left_over in sorted(uncovered, key=lambda entry: entry.change.origin is Origin.VENDOR):
            change = left_over.change
            refused = self.policy is LostPolicy.REFUSE and change.origin is not Origin.VENDOR
            if refused or not change.known:
                self.lost += left_over.lost
            elif change.origin is Origin.VENDOR or not self._pick(change):
                self._carry(left_over)
        return Restoration(
            items=tuple(self.items),
            restored=tuple(self.restored),
            lost=tuple(self.lost),
            changes=tuple(self.changes),
            warnings=tuple(self.warnings),
        )

    def _pick(self, change: BaseChange) -> bool:
        """Queue the source's commit for a change, if it has one whole."""
        pick = self._candidate(change)
        if pick is None:
            return False
        entry = SeriesEntry(name=patch_name(f"restore {change.subject}", self.names), pin=pick)
        try:
            item = item_from_commit(self.source, self.objects, entry, EntryKind.RESTORE, self.owned)
            self._read(item)
        except MissingObject:
            self.warnings.append(
                f"{pick[:12]} {change.subject} would be picked, and its files are not in the source: the base's own "
                f"change is carried instead; `git fetch origin {pick}` brings them"
            )
            return False
        self._add(item, change, Remedy.PICKED, pick)
        return True

    def _candidate(self, change: BaseChange) -> str | None:
        """The source's commit for a change: of the target's stable line, else of mainline."""
        known: Mapping[str, str] = self.line.by_upstream() if change.upstream else {}
        for identifier in change.upstream:
            if identifier in known and not {identifier, known[identifier]} & self.left_out:
                return known[identifier]
        for identifier in change.upstream:
            commit = self.source.get(identifier)
            if identifier not in self.left_out and isinstance(commit, pygit2.Commit) and len(commit.parent_ids) == 1:
                return identifier
        return None

    def _read(self, item: Item) -> None:
        for change in item.changes:
            assert isinstance(change, BlobChange)
            for entry in (change.old, change.new):
                if entry is not None and entry.is_text:
                    self.objects.read(entry.oid)

    def _carry(self, left_over: Uncovered) -> None:
        """The base's own change: one entry a commit, or one a file where there is no commit."""
        change = left_over.change
        groups: list[tuple[str, str, Sequence[BlobChange]]]
        if change.raw is not None:
            groups = [(change.subject, change.subject, left_over.left)]
        else:
            groups = [(path.path, f"{change.subject} to {path.path}", (path,)) for path in left_over.left]
        for label, subject, paths in groups:
            item = Item(
                name=patch_name(f"carry {label}", self.names),
                kind=EntryKind.RESTORE,
                commit=None,
                raw=self._raw(change, subject),
                changes=tuple(paths),
            )
            self._add(item, change, Remedy.CARRIED, change.commit or self.base_name)

    def _add(self, item: Item, change: BaseChange, how: Remedy, origin: str) -> None:
        self.names.add(item.name)
        self.items.append(item)
        self.changes.append(change)
        self.restored.append(
            Restored(commit=change.commit, subject=change.subject, how=how, origin=origin, name=item.name)
        )

    def _raw(self, change: BaseChange, subject: str) -> RawCommit:
        if change.raw is not None:
            message = change.raw.message
            if change.commit is not None and not upstream_ids(message):
                message = message.rstrip(b"\n") + f"\n\n(cherry picked from commit {change.commit})\n".encode()
            return attrs.evolve(change.raw, message=message)
        text = f"Restore: {subject}\n\nThe base {self.base_name} has this, and nothing in the queue brings it.\n"
        return RawCommit(
            author=b"mptcp_series <mptcp-series@localhost> " + self.date,
            encoding=None,
            message=text.encode("utf-8", "surrogateescape"),
        )
