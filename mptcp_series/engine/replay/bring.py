# SPDX-License-Identifier: MIT
"""Brings the changes of one patch onto the tree, path by path, wherever its files are now.

A file that the base or an earlier patch renamed is followed; a patch that renames takes the file along.
What a path comes to is decided in `settle`; here it is looked for, and written.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...values.patch import ChangeKind
from ...values.result import Account, Conflict, PathOutcome, Status, patch_status
from ..store.objects import Entry, Objects
from ..store.tree import BlockedPath, TreeEditor
from .change import BlobChange, Change, TextChange, count_hunks, hunk_count
from .renames import RenameFinder
from .settle import Labels, Settled, settle, settle_text

__all__ = ["Bringer", "Brought", "enter", "in_order"]

Brought = list[tuple[PathOutcome, tuple[Conflict, ...]]]
"""What each path came to, with the conflicts a person must settle there."""


@attrs.define(kw_only=True)
class Bringer:
    """Writes changes onto one tree under edit."""

    objects: Objects
    tree: TreeEditor
    renames: RenameFinder
    fuzz: int = 0
    """Context lines that hunks without blobs may leave out at either end."""
    marked: dict[str, bytes] = attrs.field(factory=dict)
    """Files with diff3 markers, by path, where lines collided."""

    def bring(self, change: Change, labels: Labels) -> Brought:
        """Settle one change and write what it leads to; a rename gives two outcomes."""
        if isinstance(change, BlobChange) and change.renames:
            return self._rename(change, labels)
        if isinstance(change, TextChange) and change.old_path != change.path:
            return self.moved(change, fuzz=self.fuzz)
        path = self._followed(change)
        current = self.tree.get(path)
        if isinstance(change, TextChange):
            settled = settle_text(self.objects, change, current, path, fuzz=self.fuzz)
        else:
            settled = settle(self.objects, change, current, path, labels)
        if isinstance(change, BlobChange) and change.new is None and current is None:
            settled = self._deleted_elsewhere(change, settled)
        settled = self.put(path, settled)
        outcome = PathOutcome(
            path=path,
            status=settled.status,
            hunks=settled.account,
            source_path=change.path if path != change.path else None,
            fuzz=settled.fuzz,
        )
        return [(outcome, settled.conflicts)]

    def _followed(self, change: Change) -> str:
        """The path to change here: another one where the base or an override renamed the file."""
        adds = change.old is None if isinstance(change, BlobChange) else change.file.kind is ChangeKind.ADD
        if adds or self.tree.get(change.old_path) is not None:
            return change.old_path
        old = change.old if isinstance(change, BlobChange) else None
        if isinstance(change, BlobChange) and change.new is None:
            return change.old_path
        return self.renames.find(change.old_path, old) or change.old_path

    def _deleted_elsewhere(self, change: BlobChange, settled: Settled) -> Settled:
        """A deletion of a file that is gone: done already, unless the base has the file under another name."""
        elsewhere = self.renames.find(change.old_path, change.old)
        if elsewhere is None:
            return settled
        text = f"rename/delete: the patch deletes {change.old_path}, which the base has as {elsewhere}"
        return Settled(
            entry=None,
            status=Status.CONFLICT,
            account=Account(conflict=hunk_count(self.objects, change)),
            conflicts=(Conflict(path=change.old_path, hunk=None, text=text),),
        )

    def moved(self, change: TextChange, *, fuzz: int = 0) -> Brought:
        """A rename or a copy without blobs: hunks are placed on the file where it is; it goes where the patch says."""
        moves = change.file.kind is ChangeKind.RENAME
        origin, path = change.old_path, change.path
        current, there = self.tree.get(origin), self.tree.get(path)
        moved = moves and current is None and there is not None
        settled = settle_text(self.objects, change, there if moved else current, path, fuzz=fuzz)
        if not moved and settled.status is not Status.CONFLICT:
            if there is not None and (moves or there != settled.entry):
                verb = "moves" if moves else "copies"
                text = f"rename: the patch {verb} {origin} to {path}, where the base has another file"
                settled = attrs.evolve(
                    settled,
                    status=Status.CONFLICT,
                    account=Account(conflict=hunk_count(self.objects, change)),
                    conflicts=(Conflict(path=path, hunk=None, text=text),),
                )
            elif there is not None:
                settled = attrs.evolve(
                    settled, status=Status.UPSTREAM, account=Account(present=hunk_count(self.objects, change))
                )
            elif settled.status is Status.UPSTREAM:
                # The edits are here, if there are any; the move is not.
                settled = attrs.evolve(settled, status=Status.MERGED if change.file.hunks else Status.CLEAN)
        if moves and current is not None:
            self.tree.put(origin, None)
        settled = self.put(path, settled)
        outcome = PathOutcome(path=path, status=settled.status, hunks=settled.account, fuzz=settled.fuzz)
        gone = PathOutcome(path=origin, status=settled.status)
        return [*([(gone, ())] if moves else []), (outcome, settled.conflicts)]

    def _rename(self, change: BlobChange, labels: Labels) -> Brought:
        """A rename with edits: the edits are merged where the file is now, and it moves where the patch says."""
        origin = self._followed(change)
        current = self.tree.get(origin)
        there = self.tree.get(change.path)
        # Hunk ids know no renames: the account is that of a deletion and an addition.
        gone = count_hunks(self.objects, change.old, None)
        come = count_hunks(self.objects, None, change.new)
        status: Status
        conflicts: tuple[Conflict, ...]
        if origin == change.path:
            # The base moved it there too.
            settled = self._noted(change.path, settle(self.objects, change, there, change.path, labels))
            status, conflicts, entry = settled.status, settled.conflicts, settled.entry
        elif origin != change.old_path:
            text = f"rename/rename: the patch moves {change.old_path} to {change.path}, and the base has it as {origin}"
            entry = settle(self.objects, change, current, change.path, labels).entry
            status, conflicts = Status.CONFLICT, (Conflict(path=change.path, hunk=None, text=text),)
        elif current is None and there == change.new:
            status, conflicts, entry = Status.UPSTREAM, (), there
        elif there is not None and there != change.new:
            text = f"rename: the patch moves {change.old_path} to {change.path}, where the base has another file"
            status, conflicts, entry = Status.CONFLICT, (Conflict(path=change.path, hunk=None, text=text),), change.new
        else:
            settled = self._noted(change.path, settle(self.objects, change, current, change.path, labels))
            status, conflicts, entry = settled.status, settled.conflicts, settled.entry
            if status is Status.UPSTREAM:
                # The edits are here; the move is not.
                status = Status.MERGED
        blocked = self._try_put(origin, None) or self._try_put(change.path, entry)
        if blocked is not None:
            status, conflicts = Status.CONFLICT, (*conflicts, blocked)
        accounts = [_same_fate(status, gone), _same_fate(status, come)]
        return [
            (
                PathOutcome(
                    path=origin,
                    status=status,
                    hunks=accounts[0],
                    source_path=change.old_path if origin != change.old_path else None,
                ),
                (),
            ),
            (PathOutcome(path=change.path, status=status, hunks=accounts[1]), conflicts),
        ]

    def _noted(self, path: str, settled: Settled) -> Settled:
        if settled.marked is not None:
            self.marked[path] = settled.marked
        return settled

    def put(self, path: str, settled: Settled) -> Settled:
        blocked = self._try_put(path, self._noted(path, settled).entry)
        if blocked is None:
            return settled
        account = settled.account if isinstance(settled.account, Account) else settled.account()
        account = Account(conflict=account.total)
        return attrs.evolve(settled, status=Status.CONFLICT, account=account, conflicts=(*settled.conflicts, blocked))

    def _try_put(self, path: str, entry: Entry | None) -> Conflict | None:
        try:
            self.tree.put(path, entry)
        except BlockedPath as blocked:
            return Conflict(path=path, hunk=None, text=str(blocked))
        return None


def in_order(changes: Sequence[Change]) -> Sequence[Change]:
    """The changes in an order in which a directory makes way for a file of its name: what leaves it comes first."""
    leaving = {at: path for at, change in enumerate(changes) if (path := _leaves(change)) is not None}
    parents = {parent for path in leaving.values() for parent in _parents(path)}
    if not any(change.path in parents for change in changes):
        return changes

    def rank(at: int) -> int:
        if at not in leaving or not any(change.path in _parents(leaving[at]) for change in changes):
            return 3
        # A rename may go to the very place; then the others leave first.
        moves = changes[at].path != leaving[at]
        return 0 if not moves else 2 if changes[at].path in parents else 1

    return [changes[at] for at in sorted(range(len(changes)), key=rank)]


def _leaves(change: Change) -> str | None:
    """The path a deletion or a rename takes a file away from."""
    if isinstance(change, TextChange):
        return change.old_path if change.file.kind in (ChangeKind.DELETE, ChangeKind.RENAME) else None
    return change.old_path if change.new is None or change.renames else None


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def enter(outcomes: dict[str, PathOutcome], outcome: PathOutcome) -> None:
    """Enter an outcome; what was found for its path before (a patch may name a file twice) still counts."""
    there = outcomes.get(outcome.path)
    if there is not None:
        outcome = PathOutcome(
            path=outcome.path,
            status=patch_status((there.status, outcome.status)),
            hunks=there.hunks + outcome.hunks,
            source_path=outcome.source_path or there.source_path,
            fuzz=max(there.fuzz, outcome.fuzz),
        )
    outcomes[outcome.path] = outcome


def _same_fate(status: Status, count: int) -> Account:
    if status is Status.CONFLICT:
        return Account(conflict=count)
    return Account(present=count) if status is Status.UPSTREAM else Account(applied=count)
