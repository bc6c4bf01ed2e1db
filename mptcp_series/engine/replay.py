# SPDX-License-Identifier: MIT
"""Replays the queue on a base: one item after the other on one tree under edit.

A conflict does not end the replay. The patch's own lines are taken where it collides, which is what
people most often answer, and the rest of the queue is told on top of that: so a dry run names the
conflicts that will really be met, not the ones an unresolved file would cause. No commit is made
from the first conflict on.
"""

from __future__ import annotations

import re
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
from .change import BlobChange, Change, TextChange, count_hunks, hunk_count
from .drift import diff_detail
from .item import Item, RawCommit
from .memo import Memo, Remembered, RememberedRun, RunKey
from .objects import Entry, Objects, Oid, hexed
from .overrides import Adapted, adapt, override_file
from .renames import RenameFinder
from .settle import Labels, Settled, settle, settle_text
from .tree import BlockedPath, TreeEditor

__all__ = ["Replay", "Replayed", "Step", "Stuck", "default_committer"]

Written = tuple[str, Entry | None, Entry | None]
Progress = Callable[[int, int], None]
"""Called with how many entries are done and how many there are."""


def default_committer(author: bytes) -> bytes:
    """The project's own identity at the author's date: the same input gives the same commit ids."""
    date = re.search(rb"> (\d+ [+-]\d{4})$", author)
    return b"mptcp_series <mptcp-series@localhost> " + (date[1] if date is not None else b"0 +0000")


@attrs.frozen(kw_only=True)
class Step:
    """One commit of the result: what an export writes as one patch."""

    name: str
    commit: Oid
    raw: RawCommit
    """Author, encoding and message as committed."""
    changes: tuple[BlobChange, ...]
    """Against the commit before it, without renames."""


@attrs.frozen(kw_only=True, eq=False)
class Stuck:
    """The first entry that is in conflict, and what it met: all that is needed to bring it anew."""

    objects: Objects
    item: Item
    override: Override | None
    base_name: str
    head: Oid
    tree: Oid
    renames: RenameFinder

    def again(self, override: Override | None) -> Replay:
        """A replay that stands before the entry."""
        overrides = {} if override is None else {self.item.name: override}
        return Replay(
            objects=self.objects,
            base=self.head,
            base_tree=self.tree,
            base_name=self.base_name,
            overrides=overrides,
            renames=self.renames,
        )


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
    stuck: Stuck | None = None
    """The first entry in conflict; None as well in a dry run."""
    written: Mapping[str, tuple[BlobChange, ...]] = attrs.field(factory=dict)
    """What each entry changed on the way, by name: also those after a conflict, which have no commit."""


@attrs.define(kw_only=True)
class Replay:
    """One run over one base."""

    objects: Objects
    base: Oid
    base_tree: Oid
    base_name: str
    overrides: Mapping[str, Override] = attrs.field(factory=dict)
    committer: Person | None = None
    memo: Memo | None = None
    """With a memo the run is dry: outcomes are remembered, and no commits are made."""
    marked: dict[str, bytes] = attrs.field(init=False, factory=dict)
    """Files with diff3 markers, by path, where lines collided."""
    _known_renames: RenameFinder | None = attrs.field(default=None, alias="renames")
    _tree: TreeEditor = attrs.field(init=False)
    _renames: RenameFinder = attrs.field(init=False)
    _head: Oid = attrs.field(init=False)
    _head_tree: Oid = attrs.field(init=False)
    _broken: bool = attrs.field(init=False, default=False)
    _drift: list[Drift] = attrs.field(init=False, factory=list)
    _used: list[str] = attrs.field(init=False, factory=list)
    _steps: list[Step] = attrs.field(init=False, factory=list)
    _stuck: Stuck | None = attrs.field(init=False, default=None)
    _written: dict[str, tuple[BlobChange, ...]] = attrs.field(init=False, factory=dict)
    _unforeseen: bool = attrs.field(init=False, default=False)
    """Whether an outcome of a dry run depended on more than the files its patch names."""

    def __attrs_post_init__(self) -> None:
        self._tree = TreeEditor(self.objects, self.base_tree)
        known = self._known_renames
        self._renames = RenameFinder(self.objects, self._tree) if known is None else known.over(self._tree)
        self._head = self.base
        self._head_tree = self.base_tree

    def run(self, items: Sequence[Item], progress: Progress | None = None) -> Replayed:
        key = None if self.memo is None else self.memo.run_key(items, self.overrides, self._tree)
        known = None if self.memo is None or key is None else self.memo.get_run(key)
        if known is not None:
            outcomes = self._again(known, items, progress)
        else:
            drifted, used = len(self._drift), len(self._used)
            self._unforeseen = False
            outcomes = []
            for done, item in enumerate(items):
                outcomes.append(self.replay(item))
                if progress is not None:
                    progress(done + 1, len(items))
            if self.memo is not None and key is not None and not self._unforeseen:
                self.memo.put_run(key, self._remembered(key, outcomes, drifted, used))
        end = self._tree.write()
        return Replayed(
            outcomes=tuple(outcomes),
            drift=tuple(self._drift),
            used=tuple(self._used),
            commit=self._head,
            tree=self._head_tree if self.memo is None else end,
            predicted_tree=end,
            steps=tuple(self._steps),
            complete=not self._broken,
            stuck=self._stuck,
            written=self._written,
        )

    def _again(self, known: RememberedRun, items: Sequence[Item], progress: Progress | None) -> list[PatchOutcome]:
        """Do in one step what the same run did before on the same files."""
        for before in [item.before for item in items if item.before is not None][:1]:
            self._renames.refer(before)
        for path, entry in known.writes:
            self._tree.put(path, entry)
        self._tree.take_journal()
        self._drift += known.drift
        self._used += known.used
        self._broken = self._broken or known.broken
        if progress is not None:
            progress(len(items), len(items))
        return list(known.outcomes)

    def _remembered(self, key: RunKey, outcomes: Sequence[PatchOutcome], drifted: int, used: int) -> RememberedRun:
        now = [(path, before, self._tree.get(path)) for path, before in zip(key.paths, key.entries, strict=True)]
        return RememberedRun(
            outcomes=tuple(outcomes),
            drift=tuple(self._drift[drifted:]),
            used=tuple(self._used[used:]),
            broken=any(outcome.status is Status.CONFLICT for outcome in outcomes),
            writes=tuple((path, after) for path, before, after in now if after != before),
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
        paths, conflicts, written = self._brought(item, override)
        if self.memo is None:
            self._written[item.name] = tuple(
                BlobChange(path=path, old_path=path, old=before, new=after) for path, before, after in written
            )
        status = patch_status(path.status for path in paths)
        commit = None
        if conflicts:
            status = Status.CONFLICT
            if not self._broken and self.memo is None:
                self._stuck = self._stuck_at(item, override)
            self._broken = True
        elif not written:
            # Nothing of it is left: the override left all of it out, or the base has what it did not.
            hunks = sum((path.hunks for path in paths), Account()) if override is not None else Account()
            status = Status.SKIPPED if 0 < hunks.dropped == hunks.total else Status.UPSTREAM
        elif not self._broken and self.memo is None:
            commit = self._commit(item, file)
        return self._outcome(item, status=status, paths=paths, override=file, conflicts=conflicts, result_commit=commit)

    def _stuck_at(self, item: Item, override: Override | None) -> Stuck:
        return Stuck(
            objects=self.objects,
            item=item,
            override=override,
            base_name=self.base_name,
            head=self._head,
            tree=self._head_tree,
            renames=self._renames.over(self._tree),
        )

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

    def _brought(
        self, item: Item, override: Override | None
    ) -> tuple[Sequence[PathOutcome], Sequence[Conflict], Sequence[Written]]:
        """Bring an item onto the tree, or do again what it did to the same blobs before; with what it wrote."""
        key = None if self.memo is None else self.memo.key(item, override, self._tree)
        known = None if self.memo is None else self.memo.get(key)
        if known is not None:
            for path, entry in known.writes:
                self._tree.put(path, entry)
            self._drift += known.drift
            return known.paths, known.conflicts, self._tree.take_journal()
        drifted = len(self._drift)
        paths, conflicts = self._bring(item, override)
        written = self._tree.take_journal()
        self._unforeseen = self._unforeseen or key is None
        if self.memo is not None and key is not None:
            remembered = Remembered(
                paths=tuple(paths),
                conflicts=tuple(conflicts),
                drift=tuple(self._drift[drifted:]),
                writes=tuple((path, after) for path, _, after in written),
            )
            self.memo.put(key, remembered)
        return paths, conflicts, written

    def _bring(self, item: Item, override: Override | None) -> tuple[list[PathOutcome], list[Conflict]]:
        adapted = Adapted(changes=item.changes, dropped={}, diff=(), drift=())
        if override is not None:
            adapted = adapt(self.objects, item, override)
        self._drift += adapted.drift
        labels = Labels(ours=f"{self.base_name} and the queue so far", base=f"before {item.name}", theirs=item.name)
        outcomes: dict[str, PathOutcome] = {}
        conflicts: list[Conflict] = []
        for change in _in_order(adapted.changes):
            for outcome, found in self._bring_path(change, labels):
                _add(outcomes, outcome)
                conflicts += found
        for path, account in adapted.dropped.items():
            _add(outcomes, PathOutcome(path=path, status=Status.OVERRIDDEN, hunks=account))
        if adapted.drift:
            assert override is not None
            conflicts += [
                Conflict(path=drift.file, hunk=None, text="\n".join(filter(None, (str(drift), drift.detail))))
                for drift in adapted.drift
            ]
        elif not conflicts:
            conflicts += self._add_diff(adapted, outcomes, override)
        return [outcomes[path] for path in sorted(outcomes)], conflicts

    def _bring_path(self, change: Change, labels: Labels) -> list[tuple[PathOutcome, tuple[Conflict, ...]]]:
        """Settle one change and write what it leads to; a rename gives two outcomes."""
        if isinstance(change, BlobChange) and change.renames:
            return self._bring_rename(change, labels)
        if isinstance(change, TextChange) and change.old_path != change.path:
            return self._bring_moved(change)
        path = self._followed(change)
        current = self._tree.get(path)
        if isinstance(change, TextChange):
            settled = settle_text(self.objects, change, current, path)
        else:
            settled = settle(self.objects, change, current, path, labels)
        if isinstance(change, BlobChange) and change.new is None and current is None:
            settled = self._deleted_elsewhere(change, settled)
        settled = self._put(path, settled)
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

    def _deleted_elsewhere(self, change: BlobChange, settled: Settled) -> Settled:
        """A deletion of a file that is gone: done already, unless the base has the file under another name."""
        elsewhere = self._renames.find(change.old_path, change.old)
        if elsewhere is None:
            return settled
        text = f"rename/delete: the patch deletes {change.old_path}, which the base has as {elsewhere}"
        return Settled(
            entry=None,
            status=Status.CONFLICT,
            account=Account(conflict=hunk_count(self.objects, change)),
            conflicts=(Conflict(path=change.old_path, hunk=None, text=text),),
        )

    def _bring_moved(self, change: TextChange) -> list[tuple[PathOutcome, tuple[Conflict, ...]]]:
        """A rename or a copy without blobs: hunks are placed on the file where it is; it goes where the patch says."""
        moves = change.file.kind is ChangeKind.RENAME
        origin, path = change.old_path, change.path
        current, there = self._tree.get(origin), self._tree.get(path)
        moved = moves and current is None and there is not None
        settled = settle_text(self.objects, change, there if moved else current, path)
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
            self._tree.put(origin, None)
        settled = self._put(path, settled)
        outcome = PathOutcome(path=path, status=settled.status, hunks=settled.account)
        gone = PathOutcome(path=origin, status=settled.status)
        return [*([(gone, ())] if moves else []), (outcome, settled.conflicts)]

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

    def _put(self, path: str, settled: Settled) -> Settled:
        blocked = self._try_put(path, self._noted(path, settled).entry)
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

    def _add_diff(
        self, adapted: Adapted, outcomes: dict[str, PathOutcome], override: Override | None
    ) -> list[Conflict]:
        """Place the override's diff; where it does not fit, the override is stale."""
        conflicts: list[Conflict] = []
        for file in adapted.diff:
            assert override is not None
            name = override_file(override)
            change = TextChange(file=file)
            current = self._tree.get(change.old_path)
            if change.old_path != change.path:
                brought = self._bring_moved(change)
            else:
                settled = settle_text(self.objects, change, current, file.path)
                settled = self._put(file.path, settled)
                brought = [(PathOutcome(path=file.path, status=settled.status), settled.conflicts)]
            for outcome, found in brought:
                if found:
                    why = "; ".join(conflict.text.split("\n", 1)[0] for conflict in found)
                    why = f"does not apply to {file.path}: {why}"
                    lines = b"" if current is None or not current.is_text else self.objects.read(current.oid)
                    detail = diff_detail(lines, file)
                    self._drift.append(Drift(file=name, field="diff", why=why, detail=detail))
                    conflicts += found
                status = Status.CONFLICT if found else Status.OVERRIDDEN
                _add(outcomes, PathOutcome(path=outcome.path, status=status))
        return conflicts

    def _commit(self, item: Item, override: str | None) -> str:
        tree = self._tree.write()
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
                changes=self._written[item.name],
            )
        )
        return hexed(self._head)


def _in_order(changes: Sequence[Change]) -> Sequence[Change]:
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


def _add(outcomes: dict[str, PathOutcome], outcome: PathOutcome) -> None:
    """Enter an outcome; what was found for its path before (a patch may name a file twice) still counts."""
    there = outcomes.get(outcome.path)
    if there is not None:
        outcome = PathOutcome(
            path=outcome.path,
            status=patch_status((there.status, outcome.status)),
            hunks=there.hunks + outcome.hunks,
            source_path=outcome.source_path or there.source_path,
        )
    outcomes[outcome.path] = outcome


def _same_fate(status: Status, count: int) -> Account:
    if status is Status.CONFLICT:
        return Account(conflict=count)
    return Account(present=count) if status is Status.UPSTREAM else Account(applied=count)
