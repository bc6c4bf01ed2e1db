# SPDX-License-Identifier: MIT
"""Alignment: the base's owned paths brought to root's state at the bottom of the queue.

Stable trees carry backports of the very fixes a queue brings; the two collide. Retracting the base's
own changes first removes that whole class of conflicts. It is right only when it is accounted for, so
every retracted change is followed to the patch that brings it back (by id, by subject, else hunk by
hunk), and what nothing brings back is left over: to be restored at the queue's end, or lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from ...values.alignment import HalfRetracted, Lost, Reinstated, Retracted
from ...values.paths import OwnedPaths
from ...values.recipe import Acknowledge
from ...values.result import EntryKind, PatchOutcome, Status
from ..replay.change import BlobChange
from ..replay.item import Item, RawCommit
from ..replay.remerge import automatic_entry
from ..store.objects import Entry, Objects
from ..store.tree import TreeEditor
from .coverage import weight
from .delta import BaseChange, BaseDelta, Origin, changed_lines, cut_down, file_lines
from .once import once
from .queueindex import QueueIndex
from .traces import Traces

__all__ = ["Accounted", "Uncovered", "account", "align_item", "lost_hunk"]

COVERING = frozenset({Status.CLEAN, Status.OFFSET, Status.MERGED, Status.UPSTREAM})
"""What a covering patch must be: a skipped, overridden or conflicting one covers nothing."""


def align_item(
    objects: Objects, changes: Sequence[BlobChange], delta: BaseDelta, root: str, items: Sequence[Item], date: bytes
) -> Item:
    """The entry at the bottom of the queue that brings owned paths to root's state.

    Its message lists every change it takes out and the patch that is to bring it back.
    """
    lines = [f"{'Advance' if delta.advances else 'Retract'}: owned paths as in {root}", ""]
    if delta.advances:
        lines += [f"The base has an older stack than {root}, where the queue starts, or none.", ""]
    listed = _listed(QueueIndex.of_queue(objects, items), delta)
    if listed:
        lines += [
            "The queue was made for files without these changes of the base. A patch of the queue brings each",
            "back, or it is put back at the queue's end, or the account of the run calls it lost:",
            "",
            *listed,
        ]
    return Item(
        name=f"align-to-{_slug(root)}.patch",
        kind=EntryKind.ALIGN,
        commit=None,
        raw=RawCommit(
            author=b"mptcp_series <mptcp-series@localhost> " + date,
            encoding=None,
            message="\n".join(lines).rstrip("\n").encode("utf-8", "surrogateescape") + b"\n",
        ),
        changes=tuple(changes),
    )


def _listed(mapping: QueueIndex, delta: BaseDelta) -> list[str]:
    lines: list[str] = []
    for change in delta.changes:
        brought = mapping.patch(change)
        what = f"{change.commit[:12]} " if change.commit is not None else ""
        vendor = " (the vendor's)" if change.origin is Origin.VENDOR and change.raw is not None else ""
        lines.append(f"  {what}{change.subject}{vendor}")
        if brought is not None:
            lines.append(f"    brought back by {brought.name}")
        elif change.raw is None:
            lines += [f"    {path.path}" for path in change.changes]
    for change, revert in delta.reverts:
        brought = mapping.patch(change)
        by = "" if revert.commit is None else f" by {revert.commit[:12]}"
        if brought is not None:
            lines += [f"  {change.subject}", f"    reverted on the base{by}, and brought again by {brought.name}"]
    return lines


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "-" for character in text)


@attrs.frozen(kw_only=True, eq=False)
class Uncovered:
    """What of a retracted change nothing brings back: the change, cut down to its lost hunks."""

    change: BaseChange
    left: tuple[BlobChange, ...]
    lost: tuple[Lost, ...]


@attrs.frozen(kw_only=True, eq=False)
class Accounted:
    """Where every retracted change went."""

    retracted: tuple[Retracted, ...]
    reinstated: tuple[Reinstated, ...]
    acknowledged: tuple[Lost, ...]
    uncovered: tuple[Uncovered, ...]
    half_retracted: tuple[HalfRetracted, ...]
    warnings: tuple[str, ...]


def half_retracted(
    objects: Objects,
    change: BaseChange,
    item: Item,
    outcome: PatchOutcome,
    base: TreeEditor,
    result: TreeEditor,
) -> list[HalfRetracted]:
    """The shared files of a retracted commit, and whether what brings the rest back found that part in place."""
    if change.commit is None:
        return []
    found = []
    statuses = {path.path: path.status for path in outcome.paths}
    patched = {path.path: path for path in item.changes if isinstance(path, BlobChange)}
    for path in change.shared:
        status = statuses.get(path.path)
        mine = patched.get(path.path)
        # The base's own change, carried, is the other half by itself.
        whole = status is Status.UPSTREAM or (mine is None and item.commit is None and item.kind is EntryKind.RESTORE)
        if not whole and mine is not None and status in COVERING:
            whole = _met(objects, path, mine, base.get(path.path), result.get(path.path))
        found.append(
            HalfRetracted(
                commit=change.commit, subject=change.subject, path=path.path, covered_by=item.name, whole=whole
            )
        )
    return found


def _met(objects: Objects, part: BlobChange, patch: BlobChange, before: Entry | None, after: Entry | None) -> bool:
    """Whether a patch that had more to do in a file met all that the base has of it, and did none of it twice."""
    gone, come = changed_lines(objects, part)
    all_gone, all_come = changed_lines(objects, patch)
    if not (gone <= all_gone and come <= all_come) or not gone | come:
        return False
    counts = [Counter(file_lines(objects, entry)) for entry in (before, after)]
    return all(counts[1][line] <= counts[0][line] for line in come if weight([line]))


def account(
    objects: Objects,
    delta: BaseDelta,
    items: Sequence[Item],
    outcomes: Sequence[PatchOutcome],
    base: TreeEditor,
    result: TreeEditor,
    acknowledged: Sequence[Acknowledge],
    owned: OwnedPaths,
    root: tuple[str, TreeEditor],
) -> Accounted:
    """Follow every change of the base to where it is in the result."""
    builder = _Builder(
        objects=objects,
        by_name={outcome.name: outcome for outcome in outcomes},
        mapping=QueueIndex.of_queue(objects, items),
        traces=Traces(objects, items, outcomes, result, owned, root),
        base=base,
        result=result,
        acknowledge=acknowledged,
    )
    # Whatever a later change builds on must be put back too.
    later: set[str] = set()
    for change in reversed(delta.changes):
        builder.needed[id(change)] = frozenset(later)
        if not builder.is_covered(change):
            later |= {path.path for path in change.changes}
    for change in delta.changes:
        builder.follow(change)
    for change, revert in delta.reverts:
        builder.reverted(change, revert)
    return builder.done()


def lost_hunk(change: BaseChange, path: str | None, hunk: str | None) -> Lost:
    """What of a change is lost."""
    return Lost(
        commit=change.commit, subject=change.subject, upstream=next(iter(change.upstream), None), path=path, hunk=hunk
    )


@attrs.define(kw_only=True)
class _Builder:
    """Collects the account."""

    objects: Objects
    by_name: Mapping[str, PatchOutcome]
    mapping: QueueIndex
    traces: Traces
    base: TreeEditor
    result: TreeEditor
    acknowledge: Sequence[Acknowledge]
    retracted: list[Retracted] = attrs.field(init=False, factory=list)
    reinstated: list[Reinstated] = attrs.field(init=False, factory=list)
    acknowledged: list[Lost] = attrs.field(init=False, factory=list)
    uncovered: list[Uncovered] = attrs.field(init=False, factory=list)
    half: list[HalfRetracted] = attrs.field(init=False, factory=list)
    warnings: list[str] = attrs.field(init=False, factory=list)
    needed: dict[int, frozenset[str]] = attrs.field(init=False, factory=dict)
    """By the identity of a change: paths that later changes, which no patch brings, touch too."""
    _restored: dict[str, Entry | None] = attrs.field(init=False, factory=dict)
    """Files as they will be once what is left over so far is put back: later changes are built on it."""

    def is_covered(self, change: BaseChange) -> bool:
        item = self.mapping.patch(change)
        return item is not None and self._covers(item)

    def follow(self, change: BaseChange) -> None:
        item = self.mapping.patch(change)
        if item is None or not self._covers(item):
            self._by_content(change)
            return
        self._entry(change, item.name)
        for half in half_retracted(self.objects, change, item, self.by_name[item.name], self.base, self.result):
            if half.whole or not self._accepted(change, half.path, None):
                self.half.append(half)
        if change.origin is Origin.VENDOR:
            self._vendor_lines(change, item)

    def reverted(self, change: BaseChange, revert: BaseChange) -> None:
        """A change the base took back: the queue brings it again, unless it takes it back too."""
        item = self.mapping.patch(change)
        if item is None or not self._covers(item):
            return
        again = self.mapping.patch(revert)
        if again is None or not self._covers(again):
            self.reinstated.append(Reinstated(commit=revert.commit, subject=revert.subject, name=item.name))

    def _covers(self, item: Item) -> bool:
        return self.by_name[item.name].status in COVERING

    def _entry(
        self, change: BaseChange, covered_by: str | None, path: str | None = None, hunk: str | None = None
    ) -> None:
        self.retracted.append(
            Retracted(
                commit=change.commit,
                subject=change.subject,
                upstream=next(iter(change.upstream), None),
                covered_by=covered_by,
                path=path,
                hunk=hunk,
            )
        )

    def _by_content(self, change: BaseChange) -> None:
        """Account for a change hunk by hunk: what it does stands in the result, or it is not covered."""
        left: list[BlobChange] = []
        lost: list[Lost] = []
        accepted = len(self.acknowledged)
        for path in change.changes:
            rest = self._path_by_content(change, path, lost)
            if rest is not None:
                left.append(rest)
                current = self._current(path.path)
                self._restored[path.path] = self._merged(rest, current)
        if len(self.acknowledged) > accepted and not left and change.raw is not None and change.shared:
            shown = ", ".join(path.path for path in change.shared[:3])
            self.warnings.append(f"acknowledged: {change.subject}; its part in {shown} stays on the base")
        if left:
            self.uncovered.append(Uncovered(change=change, left=tuple(left), lost=tuple(lost)))

    def _merged(self, rest: BlobChange, current: Entry | None) -> Entry | None:
        return once(
            self.objects,
            ("merged", rest.old, current, rest.new),
            lambda: automatic_entry(self.objects, rest.old, current, rest.new),
        )

    def _path_by_content(self, change: BaseChange, path: BlobChange, lost: list[Lost]) -> BlobChange | None:
        """Account for one file; what of its change is left over."""
        current = self._current(path.path)
        whole = self.traces.whole(path, current)
        if whole is not None:
            self._entry(change, whole, path.path)
            return None
        path, bringer = self.traces.from_queue(path)
        if bringer is not None:
            # The file as the queue adds it is covered; what the base has beyond that is looked at.
            self._entry(change, bringer, path.path)
        final = self.base.get(path.path)
        delta = self.traces.delta(path)
        open_hunks = []
        for at, (identifier, hunk) in enumerate(zip(delta.ids, delta.hunks, strict=True)):
            if path.path not in self.needed[id(change)] and self.traces.undone(delta, at, path, final):
                # A later commit of the base, which the queue has, took it out again.
                continue
            if self.traces.stands(delta, at, path, current):
                self._entry(change, self.traces.bringer(delta, at, path), path.path, identifier)
                continue
            self._entry(change, None, path.path, identifier)
            if not self._accepted(change, path.path, identifier):
                open_hunks.append(hunk)
                lost.append(lost_hunk(change, path.path, identifier))
        if open_hunks:
            return cut_down(self.objects, path, open_hunks, len(delta.hunks))
        if self._mode_lost(path, current) or (not delta.hunks and path.old != path.new and current != path.new):
            # A mode, a link, a binary file: it has no hunks, and is the base's or is not.
            self._entry(change, None, path.path)
            if not self._accepted(change, path.path, None):
                lost.append(lost_hunk(change, path.path, None))
                return self._without_content(path) if delta.hunks else path
        return None

    def _current(self, path: str) -> Entry | None:
        return self._restored[path] if path in self._restored else self.result.get(path)

    def _mode_lost(self, path: BlobChange, current: Entry | None) -> bool:
        if path.old is None or path.new is None or path.old.mode == path.new.mode:
            return False
        return current is None or current.mode != path.new.mode

    def _without_content(self, path: BlobChange) -> BlobChange:
        assert path.old is not None
        assert path.new is not None
        return attrs.evolve(path, new=Entry(path.new.mode, path.old.oid))

    def _accepted(self, change: BaseChange, path: str, hunk: str | None) -> bool:
        """Whether a person accepts this loss; then it is in the account."""
        for entry in self.acknowledge:
            by_id = entry.commit is not None and entry.commit in change.ids
            if by_id or (hunk is not None and (entry.path, entry.hunk) in ((path, hunk), (path, f"{hunk}.1"))):
                self.acknowledged.append(attrs.evolve(lost_hunk(change, path, hunk), reason=entry.reason))
                return True
        return False

    def _vendor_lines(self, change: BaseChange, item: Item) -> None:
        """A vendor's pick that does more than what it says it is: named, as the patch brings only its own."""
        theirs = {line for path in item.changes if isinstance(path, BlobChange) for line in self._added(path)}
        for path in change.changes:
            there = file_lines(self.objects, self.result.get(path.path))
            more = [line for line in self._added(path) if line.strip() and line not in theirs and line not in there]
            if more:
                assert change.commit is not None
                lines = "a line" if len(more) == 1 else f"{len(more)} lines"
                self.warnings.append(
                    f"the vendor's {change.commit[:12]} {change.subject} has {lines} in {path.path} that {item.name}, "
                    "which brings it back, does not have"
                )

    def _added(self, path: BlobChange) -> frozenset[bytes]:
        return changed_lines(self.objects, path)[1]

    def done(self) -> Accounted:
        return Accounted(
            retracted=tuple(self.retracted),
            reinstated=tuple(self.reinstated),
            acknowledged=tuple(self.acknowledged),
            uncovered=tuple(self.uncovered),
            half_retracted=tuple(self.half),
            warnings=tuple(self.warnings),
        )
