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

from ...errors import Problem, UnsafePath
from ...values.override import Override
from ...values.person import Person
from ...values.result import (
    Account,
    Conflict,
    Drift,
    PatchOutcome,
    PathOutcome,
    Status,
    patch_status,
)
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor
from .bring import Bringer, enter, in_order
from .change import BlobChange, TextChange, hunk_count
from .commits import Commits, Step
from .drift import diff_detail
from .item import Item
from .memo import Memo, Remembered, RememberedRun, RunKey, Writes
from .overrides import Adapted, adapt, override_file
from .renames import RenameFinder
from .settle import Labels, settle_text

__all__ = ["Progress", "Replay", "Replayed", "Stuck"]

Written = tuple[str, Entry | None, Entry | None]
Progress = Callable[[int, int], None]
"""Called with how many entries are done and how many there are."""


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
    kept: Mapping[str, Mapping[str, Entry | None]] = attrs.field(factory=dict)
    """Files as an entry's kept hunks left them, by name and path, where its override's diff then changes them."""


@attrs.define(kw_only=True)
class Replay:
    """One run over one base."""

    objects: Objects
    base: Oid
    base_tree: Oid
    base_name: str
    overrides: Mapping[str, Override] = attrs.field(factory=dict)
    committer: Person | None = None
    fuzz: int = 0
    """Context lines that hunks of patches without blobs may leave out; those of overrides never."""
    memo: Memo | None = None
    """With a memo the run is dry: outcomes are remembered, and no commits are made."""
    _known_renames: RenameFinder | None = attrs.field(default=None, alias="renames")
    _tree: TreeEditor = attrs.field(init=False)
    _renames: RenameFinder = attrs.field(init=False)
    _bringer: Bringer = attrs.field(init=False)
    _commits: Commits = attrs.field(init=False)
    _broken: bool = attrs.field(init=False, default=False)
    _drift: list[Drift] = attrs.field(init=False, factory=list)
    _used: list[str] = attrs.field(init=False, factory=list)
    _stuck: Stuck | None = attrs.field(init=False, default=None)
    _written: dict[str, tuple[BlobChange, ...]] = attrs.field(init=False, factory=dict)
    _kept: dict[str, Mapping[str, Entry | None]] = attrs.field(init=False, factory=dict)
    _unforeseen: bool = attrs.field(init=False, default=False)
    """Whether an outcome of a dry run depended on more than the files its patch names."""

    def __attrs_post_init__(self) -> None:
        self._tree = TreeEditor(self.objects, self.base_tree)
        known = self._known_renames
        self._renames = RenameFinder(self.objects, self._tree) if known is None else known.over(self._tree)
        self._bringer = Bringer(objects=self.objects, tree=self._tree, renames=self._renames, fuzz=self.fuzz)
        self._commits = Commits(objects=self.objects, committer=self.committer, head=self.base, tree=self.base_tree)

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
            commit=self._commits.head,
            tree=self._commits.tree if self.memo is None else end,
            predicted_tree=end,
            steps=tuple(self._commits.steps),
            complete=not self._broken,
            stuck=self._stuck,
            written=self._written,
            kept=self._kept,
        )

    def _again(self, known: RememberedRun, items: Sequence[Item], progress: Progress | None) -> list[PatchOutcome]:
        """Do in one step what the same run did before on the same files."""
        for before in [item.before for item in items if item.before is not None][:1]:
            self._renames.refer(before)
        known.writes.put(self.objects, self._tree)
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
            writes=Writes.of(self.objects, ((path, after) for path, before, after in now if after != before)),
        )

    @property
    def marked(self) -> Mapping[str, bytes]:
        """Files with diff3 markers, by path, where lines collided."""
        return self._bringer.marked

    @property
    def tree(self) -> TreeEditor:
        """The tree as it stands; to be read only."""
        return self._tree

    def replay(self, item: Item) -> PatchOutcome:
        """Bring one item onto the tree, and commit it where nothing collides."""
        override = self.overrides.get(item.name)
        if item.before is not None:
            self._renames.refer(item.before)
        self._renames.of_patch(item.before, item.brings)
        if item.skip_reason is not None:
            return self._outcome(item, status=Status.SKIPPED, paths=self._all_dropped(item))
        file = None if override is None else override_file(override)
        if override is not None:
            self._used.append(override_file(override))
            if override.skip:
                return self._outcome(item, status=Status.SKIPPED, paths=self._all_dropped(item), override=file)
        renames = self._renames.over(self._tree)
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
                self._stuck = self._stuck_at(item, override, renames)
            self._broken = True
        elif not written:
            # Nothing of it is left: the override left all of it out, or the base has what it did not.
            hunks = sum((path.hunks for path in paths), Account()) if override is not None else Account()
            status = Status.SKIPPED if 0 < hunks.dropped == hunks.total else Status.UPSTREAM
        elif not self._broken and self.memo is None:
            changes = self._written[item.name]
            commit = self._commits.add(item, tree=self._tree.write(), override=file, changes=changes)
        return self._outcome(item, status=status, paths=paths, override=file, conflicts=conflicts, result_commit=commit)

    def _stuck_at(self, item: Item, override: Override | None, renames: RenameFinder) -> Stuck:
        return Stuck(
            objects=self.objects,
            item=item,
            override=override,
            base_name=self.base_name,
            head=self._commits.head,
            tree=self._commits.tree,
            renames=renames,
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
            series=item.series,
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
            known.writes.put(self.objects, self._tree)
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
                writes=Writes.of(self.objects, ((path, after) for path, _, after in written)),
            )
            self.memo.put(key, remembered)
        return paths, conflicts, written

    def _bring(self, item: Item, override: Override | None) -> tuple[list[PathOutcome], list[Conflict]]:
        self._refuse_links(item)
        adapted = Adapted(changes=item.changes, dropped={}, diff=(), drift=())
        if override is not None:
            adapted = adapt(self.objects, item, override)
        self._drift += adapted.drift
        labels = Labels(ours=f"{self.base_name} and the queue so far", base=f"before {item.name}", theirs=item.name)
        outcomes: dict[str, PathOutcome] = {}
        conflicts: list[Conflict] = []
        for change in in_order(adapted.changes):
            for outcome, found in self._bringer.bring(change, labels):
                enter(outcomes, outcome)
                conflicts += found
        for path, account in adapted.dropped.items():
            enter(outcomes, PathOutcome(path=path, status=Status.OVERRIDDEN, hunks=account))
        if adapted.drift:
            assert override is not None
            conflicts += [
                Conflict(path=drift.file, hunk=None, text="\n".join(filter(None, (str(drift), drift.detail))))
                for drift in adapted.drift
            ]
        elif not conflicts:
            if adapted.diff:
                touched = {path for file in adapted.diff for path in (file.path, file.old_path or file.path)}
                self._kept[item.name] = {path: self._tree.get(path) for path in sorted(touched)}
            conflicts += self._add_diff(adapted, outcomes, override)
        return [outcomes[path] for path in sorted(outcomes)], conflicts

    def _refuse_links(self, item: Item) -> None:
        """Raise UnsafePath for a patch file that goes through a symbolic link, which may lead out of the tree.

        A link that the patch itself takes away, to make a directory of it, is no way through; after a conflict
        a link may be there by a guess, and then it is one more conflict.
        """
        if self._broken:
            return
        problems = []
        for path, (file, line) in sorted(item.places.items()):
            link = self._tree.link_above(path)
            if link is not None and link not in item.places:
                why = f"changes {path}, and {link} is a symbolic link on {self.base_name}; patch the file where it is"
                problems.append(Problem(file=file, line=line, message=why))
        if problems:
            raise UnsafePath(problems)

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
                brought = self._bringer.moved(change)
            else:
                settled = settle_text(self.objects, change, current, file.path)
                settled = self._bringer.put(file.path, settled)
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
                enter(outcomes, PathOutcome(path=outcome.path, status=status))
        return conflicts
