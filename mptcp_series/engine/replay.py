# SPDX-License-Identifier: MIT
"""Replays the queue on a base: one item after the other on one tree under edit.

A conflict does not end the replay. The patch's own lines are taken where it collides, which is what
people most often answer, and the rest of the queue is told on top of that: so a dry run names the
conflicts that will really be met, not the ones an unresolved file would cause. No commit is made
from the first conflict on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from ..values.override import Override
from ..values.patch import ChangeKind
from ..values.person import Person
from ..values.provenance import with_provenance, with_trailer
from ..values.result import (
    Account,
    Conflict,
    Drift,
    PatchOutcome,
    PathOutcome,
    Status,
    patch_status,
)
from .change import BlobChange, Change, TextChange, count_hunks
from .item import Item, RawCommit
from .objects import Entry, Objects, Oid, hexed
from .overrides import Adapted, adapt, override_file
from .renames import RenameFinder
from .settle import Labels, Settled, settle, settle_text
from .tree import BlockedPath, TreeEditor

__all__ = ["Replay", "Replayed", "Step", "default_committer"]

Progress = Callable[[int, int], None]
"""Called with how many entries are done and how many there are."""


def default_committer(author: bytes) -> bytes:
    """The project's own identity at the author's date: the same input gives the same commit ids."""
    date = author.rsplit(b"> ", 1)[-1]
    return b"mptcp_series <mptcp-series@localhost> " + (date if date else b"0 +0000")


@attrs.frozen(kw_only=True)
class Step:
    """One commit of the result: what an export writes as one patch."""

    name: str
    commit: Oid
    raw: RawCommit
    """Author, encoding and message as committed."""
    changes: tuple[BlobChange, ...]
    """Against the commit before it, without renames."""


@attrs.frozen(kw_only=True)
class Replayed:
    """All outcomes in order, and where the tree and the commits ended."""

    outcomes: tuple[PatchOutcome, ...]
    drift: tuple[Drift, ...]
    used: tuple[str, ...]
    commit: Oid
    """Last commit of the unbroken prefix: the whole queue when nothing is in conflict."""
    tree: Oid
    """Tree of that commit."""
    predicted_tree: Oid
    """Tree at the end of the dry run, conflicts taken as the patches have them."""
    steps: tuple[Step, ...]
    """One for each commit made."""
    complete: bool


@attrs.define(kw_only=True)
class Replay:
    """One run over one base."""

    objects: Objects
    base: Oid
    base_tree: Oid
    base_name: str
    overrides: Mapping[str, Override] = attrs.field(factory=dict)
    committer: Person | None = None
    _tree: TreeEditor = attrs.field(init=False)
    _renames: RenameFinder = attrs.field(init=False)
    _head: Oid = attrs.field(init=False)
    _head_tree: Oid = attrs.field(init=False)
    _broken: bool = attrs.field(init=False, default=False)
    _drift: list[Drift] = attrs.field(init=False, factory=list)
    _used: list[str] = attrs.field(init=False, factory=list)
    _steps: list[Step] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._tree = TreeEditor(self.objects, self.base_tree)
        self._renames = RenameFinder(self.objects, self._tree)
        self._head = self.base
        self._head_tree = self.base_tree

    def run(self, items: Sequence[Item], progress: Progress | None = None) -> Replayed:
        outcomes = []
        for done, item in enumerate(items):
            outcomes.append(self.replay(item))
            if progress is not None:
                progress(done + 1, len(items))
        return Replayed(
            outcomes=tuple(outcomes),
            drift=tuple(self._drift),
            used=tuple(self._used),
            commit=self._head,
            tree=self._head_tree,
            predicted_tree=self._tree.write(),
            steps=tuple(self._steps),
            complete=not self._broken,
        )

    @property
    def tree(self) -> TreeEditor:
        """The tree as it stands; to be read only."""
        return self._tree

    def replay(self, item: Item) -> PatchOutcome:
        """Bring one item onto the tree, and commit it where nothing collides."""
        override = self.overrides.get(item.name)
        if item.before is not None:
            self._renames.refer(item.before)
        if item.skip_reason is not None:
            return self._outcome(item, status=Status.SKIPPED, paths=self._all_dropped(item))
        file = None if override is None else override_file(override)
        if override is not None:
            self._used.append(override_file(override))
            if override.skip:
                return self._outcome(item, status=Status.SKIPPED, paths=self._all_dropped(item), override=file)
        paths, conflicts = self._bring(item, override)
        status = patch_status(path.status for path in paths)
        commit = None
        if conflicts:
            status = Status.CONFLICT
            self._broken = True
        elif status.makes_commit and not self._broken:
            commit = self._commit(item, file)
        return self._outcome(item, status=status, paths=paths, override=file, conflicts=conflicts, result_commit=commit)

    def _outcome(
        self,
        item: Item,
        *,
        status: Status,
        paths: Sequence[PathOutcome],
        override: str | None = None,
        conflicts: Sequence[Conflict] = (),
        result_commit: str | None = None,
    ) -> PatchOutcome:
        return PatchOutcome(
            name=item.name,
            kind=item.kind,
            commit=item.commit,
            subject=item.subject,
            status=status,
            paths=tuple(paths),
            override=override,
            conflicts=tuple(conflicts),
            result_commit=result_commit,
        )

    def _all_dropped(self, item: Item) -> list[PathOutcome]:
        return [
            PathOutcome(
                path=change.path, status=Status.SKIPPED, hunks=Account(dropped=hunk_count(self.objects, change))
            )
            for change in item.changes
        ]

    def _bring(self, item: Item, override: Override | None) -> tuple[list[PathOutcome], list[Conflict]]:
        adapted = Adapted(changes=item.changes, dropped={}, diff=(), drift=())
        if override is not None:
            adapted = adapt(self.objects, item, override)
        self._drift += adapted.drift
        labels = Labels(ours=f"{self.base_name} and the queue so far", base=f"before {item.name}", theirs=item.name)
        outcomes: dict[str, PathOutcome] = {}
        conflicts: list[Conflict] = []
        for change in adapted.changes:
            for outcome, found in self._bring_path(change, labels):
                outcomes[outcome.path] = outcome
                conflicts += found
        for path, account in adapted.dropped.items():
            there = outcomes.get(path)
            status = Status.CONFLICT if there is not None and there.status is Status.CONFLICT else Status.OVERRIDDEN
            outcomes[path] = PathOutcome(
                path=path, status=status, hunks=account if there is None else there.hunks + account
            )
        if adapted.drift:
            assert override is not None
            conflicts += [Conflict(path=drift.file, hunk=None, text=str(drift)) for drift in adapted.drift]
        elif not conflicts:
            conflicts += self._add_diff(adapted, outcomes, override)
        return [outcomes[path] for path in sorted(outcomes)], conflicts

    def _bring_path(self, change: Change, labels: Labels) -> list[tuple[PathOutcome, tuple[Conflict, ...]]]:
        """Settle one change and write what it leads to; a rename gives two outcomes."""
        if isinstance(change, BlobChange) and change.renames:
            return self._bring_rename(change, labels)
        path = self._followed(change)
        current = self._tree.get(path)
        if isinstance(change, TextChange):
            settled = settle_text(self.objects, change, current, path)
        else:
            settled = settle(self.objects, change, current, path, labels)
        settled = self._put(path, settled)
        if isinstance(change, TextChange) and change.file.kind is ChangeKind.RENAME and change.old_path != change.path:
            settled = self._move(path, change.path, settled)
        outcome = PathOutcome(
            path=path,
            status=settled.status,
            hunks=settled.account,
            source_path=change.path if path != change.path else None,
        )
        return [(outcome, settled.conflicts)]

    def _followed(self, change: Change) -> str:
        """The path to change here: another one where the base or an override renamed the file."""
        adds = change.old is None if isinstance(change, BlobChange) else change.file.kind is ChangeKind.ADD
        if adds or self._tree.get(change.old_path) is not None:
            return change.old_path
        old = change.old if isinstance(change, BlobChange) else None
        if isinstance(change, BlobChange) and change.new is None:
            return change.old_path
        return self._renames.find(change.old_path, old) or change.old_path

    def _bring_rename(self, change: BlobChange, labels: Labels) -> list[tuple[PathOutcome, tuple[Conflict, ...]]]:
        """A rename with edits: the edits are merged where the file is now, and it moves where the patch says."""
        origin = self._followed(change)
        current = self._tree.get(origin)
        there = self._tree.get(change.path)
        # Hunk ids know no renames: the account is that of a deletion and an addition.
        gone = count_hunks(self.objects, change.old, None)
        come = count_hunks(self.objects, None, change.new)
        status: Status
        conflicts: tuple[Conflict, ...]
        if current is None and there == change.new:
            status, conflicts, entry = Status.UPSTREAM, (), there
        elif there is not None and there != change.new:
            text = f"rename: the patch moves {change.old_path} to {change.path}, where the base has another file"
            status, conflicts, entry = Status.CONFLICT, (Conflict(path=change.path, hunk=None, text=text),), change.new
        else:
            settled = settle(self.objects, change, current, change.path, labels)
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

    def _put(self, path: str, settled: Settled) -> Settled:
        blocked = self._try_put(path, settled.entry)
        if blocked is None:
            return settled
        account = settled.account if isinstance(settled.account, Account) else settled.account()
        account = Account(conflict=account.total)
        return attrs.evolve(settled, status=Status.CONFLICT, account=account, conflicts=(*settled.conflicts, blocked))

    def _try_put(self, path: str, entry: Entry | None) -> Conflict | None:
        try:
            self._tree.put(path, entry)
        except BlockedPath as blocked:
            return Conflict(path=path, hunk=None, text=str(blocked))
        return None

    def _move(self, origin: str, path: str, settled: Settled) -> Settled:
        if self._tree.get(path) is not None:
            text = f"rename: the patch moves {origin} to {path}, where the base has another file"
            conflict = Conflict(path=path, hunk=None, text=text)
            return attrs.evolve(settled, status=Status.CONFLICT, conflicts=(*settled.conflicts, conflict))
        self._tree.put(origin, None)
        return self._put(path, settled)

    def _add_diff(
        self, adapted: Adapted, outcomes: dict[str, PathOutcome], override: Override | None
    ) -> list[Conflict]:
        """Place the override's diff; where it does not fit, the override is stale."""
        conflicts: list[Conflict] = []
        for file in adapted.diff:
            assert override is not None
            settled = settle_text(self.objects, TextChange(file=file), self._tree.get(file.path), file.path)
            if settled.conflicts:
                name = override_file(override)
                why = "; ".join(conflict.text.split("\n", 1)[0] for conflict in settled.conflicts)
                self._drift.append(Drift(file=name, field="diff", why=f"does not apply to {file.path}: {why}"))
                conflicts += settled.conflicts
                continue
            settled = self._put(file.path, settled)
            conflicts += settled.conflicts
            there = outcomes.get(file.path)
            outcomes[file.path] = PathOutcome(
                path=file.path, status=Status.OVERRIDDEN, hunks=Account() if there is None else there.hunks
            )
        return conflicts

    def _commit(self, item: Item, override: str | None) -> str | None:
        tree = self._tree.write()
        if tree == self._head_tree:
            return None
        message = item.raw.message
        if item.commit is not None:
            message = with_provenance(message, item.commit)
        if override is not None:
            message = with_trailer(message, "Override", override)
        committer = default_committer(item.raw.author)
        if self.committer is not None:
            name = attrs.evolve(self.committer, time=0, offset=0).signature().rsplit(b"> ", 1)[0]
            committer = name + b"> " + committer.rsplit(b"> ", 1)[1]
        lines = [b"tree " + hexed(tree).encode(), b"parent " + hexed(self._head).encode()]
        lines += [b"author " + item.raw.author, b"committer " + committer]
        if item.raw.encoding is not None:
            lines.append(b"encoding " + item.raw.encoding)
        self._head = self.objects.write("commit", b"\n".join(lines) + b"\n\n" + message)
        self._head_tree = tree
        self._steps.append(
            Step(
                name=item.name,
                commit=self._head,
                raw=attrs.evolve(item.raw, message=message),
                changes=tuple(
                    BlobChange(path=path, old_path=path, old=before, new=after)
                    for path, before, after in self._tree.take_journal()
                ),
            )
        )
        return hexed(self._head)


def hunk_count(objects: Objects, change: Change) -> int:
    """How many hunks the account of a change has."""
    if isinstance(change, TextChange):
        return len(change.file.hunks) or (1 if change.file.binary is not None else 0)
    if change.renames:
        return count_hunks(objects, change.old, None) + count_hunks(objects, None, change.new)
    return count_hunks(objects, change.old, change.new)


def _same_fate(status: Status, count: int) -> Account:
    if status is Status.CONFLICT:
        return Account(conflict=count)
    return Account(present=count) if status is Status.UPSTREAM else Account(applied=count)
