# SPDX-License-Identifier: MIT
"""What a person is asked: the files of the first entry in conflict, with all their sides.

Everything here is values; `resolve_place` writes them. A conflict of lines stands in its file in diff3 markers. A
conflict in words (a deletion against a change, a mode, a binary file, an occupied path) cannot, so it is a question
that has to be answered: the file is laid out as the base has it, and leaving it so must be said.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...errors import BadInput
from ...values.override import Override
from ...values.patch import ChangeKind
from ...values.paths import check_tree_path
from ...values.result import Conflict, PatchOutcome
from ..replay.change import BlobChange, Change, TextChange, entry_text
from ..replay.overrides import adapt, override_diff
from ..replay.replay import Replay, Stuck
from ..replay.settle import Labels, settle_text
from ..store.objects import LINK, REGULAR, SUBMODULE, Entry, Objects
from ..store.tree import TreeEditor
from ..text.merge import is_binary, merge
from .text import text_sides

__all__ = ["Laid", "Layout", "lay_out"]

_LONGEST = 4096
"""Bytes of a path (Linux: PATH_MAX)."""


@attrs.frozen(kw_only=True)
class Laid:
    """One file of the entry: its three sides, and what is laid out as the answer to begin with."""

    path: str
    base: Entry | None = None
    """Before the patch, upstream."""
    ours: Entry | None = None
    """On the base, with the queue so far."""
    theirs: Entry | None = None
    """After the patch, upstream."""
    start: Entry | None = None
    """With the patch, as far as that is clear; with markers where it is not."""
    marked: bool = False
    question: str | None = None
    """What markers cannot show; leaving the file as it is laid out answers it only if someone says so."""
    conflicts: tuple[Conflict, ...] = ()

    @property
    def open(self) -> bool:
        """Whether a person has to look at it."""
        return self.marked or self.question is not None


@attrs.frozen(kw_only=True, eq=False)
class Layout:
    """The entry in conflict and its files, by path."""

    stuck: Stuck
    files: Mapping[str, Laid]
    where: Mapping[str, str]
    """Path on the base by path of the patch, where an earlier rename made them differ."""
    before: TreeEditor
    """The tree under the entry; to be read only."""
    after: TreeEditor
    """The tree with the entry as far as it goes; to be read only."""


def lay_out(stuck: Stuck) -> Layout:
    """Bring the entry anew and put down what every file of it was, is and is to be.

    An override that is in force and does not fit is followed as far as it does.
    Raises BadInput where a file cannot be laid out: a submodule, or a name no file system should be given.
    """
    start = _still_fitting(stuck)
    # The diff goes on top of the files as they are laid out, in markers or not.
    drops = None if start is None or not start.drop else attrs.evolve(start, diff=b"")
    replay = stuck.again(drops)
    outcome = replay.replay(stuck.item)
    sides = _Sides(stuck, replay, outcome, drops)
    for change in sides.changes:
        sides.add(change)
    if start is not None:
        sides.add_override(start)
    sides.add_rest()
    files = {path: laid for path, laid in sorted(sides.files.items()) if laid != Laid(path=path)}
    for laid in files.values():
        _check(stuck, laid)
    return Layout(stuck=stuck, files=files, where=sides.where, before=sides.before, after=replay.tree)


def _check(stuck: Stuck, laid: Laid) -> None:
    by_hand = f"`mptcp-series override new {stuck.item.name}` begins an override by hand"
    if trouble := check_tree_path(laid.path):
        raise BadInput(f"cannot lay out {laid.path!r}: the path {trouble}; {by_hand}")
    for side in (laid.base, laid.ours, laid.theirs, laid.start):
        if side is None:
            continue
        if laid.open and side.mode == SUBMODULE:
            raise BadInput(f"{laid.path} is a submodule, which cannot be laid out; {by_hand}")
        if side.mode == LINK and not (
            0 < len(target := stuck.objects.read(side.oid)) < _LONGEST and b"\0" not in target
        ):
            raise BadInput(f"{laid.path} is a symbolic link to what no file system can hold; {by_hand}")


def _still_fitting(stuck: Stuck) -> Override | None:
    """What of the override in force still says something here: its drops that fit, and its diff."""
    override = stuck.override
    if override is None:
        return None
    drops = tuple(
        target
        for target in override.drop
        if not adapt(stuck.objects, stuck.item, attrs.evolve(override, drop=(target,), diff=b"")).drift
    )
    diff = override.diff if override_diff(override, []) else b""
    return attrs.evolve(override, drop=drops, diff=diff) if drops or diff else None


class _Sides:
    """Collects the files."""

    def __init__(self, stuck: Stuck, replay: Replay, outcome: PatchOutcome, start: Override | None) -> None:
        self.stuck = stuck
        self.objects: Objects = stuck.objects
        self.replay = replay
        self.before = TreeEditor(stuck.objects, stuck.tree)
        self.labels = Labels(
            ours=f"{stuck.base_name} and the queue so far", base=f"before {stuck.item.name}", theirs=stuck.item.name
        )
        adapted = None if start is None else adapt(stuck.objects, stuck.item, start)
        self.changes: tuple[Change, ...] = stuck.item.changes if adapted is None else adapted.changes
        self.outcome = outcome
        self.where = {path.source_path or path.path: path.path for path in outcome.paths}
        self.conflicts: dict[str, list[Conflict]] = {}
        for conflict in outcome.conflicts:
            self.conflicts.setdefault(conflict.path, []).append(conflict)
        self.files: dict[str, Laid] = {}

    def add(self, change: Change) -> None:
        if isinstance(change, TextChange):
            self.add_text(change)
        elif change.renames:
            self.add_rename(change)
        else:
            path = self.where.get(change.path, change.path)
            self.put(path, change.old, self.before.get(path), change.new)

    def add_rename(self, change: BlobChange) -> None:
        origin = self.where.get(change.old_path, change.old_path)
        current, there = self.before.get(origin), self.before.get(change.path)
        if origin != change.path:
            self.put(origin, change.old, current, None)
        if change.path in self.replay.marked:
            self.put(change.path, change.old, current if origin != change.path else there, change.new)
            return
        self.put(change.path, None, there, change.new)
        incoming = change.new if current in (None, change.old) else self._merged(change, current)
        if there is not None and there != change.new and self.conflicts.get(change.path):
            # Two files want the one path.
            texts = [entry_text(self.objects, entry) for entry in (there, incoming)]
            if there.is_text and not any(map(is_binary, texts)):
                marked = merge(b"", *texts).with_markers(self.labels.ours, self.labels.base, self.labels.theirs)
                self.mark(change.path, marked)

    def _merged(self, change: BlobChange, current: Entry | None) -> Entry | None:
        """The renamed file with what the base has changed in it, where that merges by itself."""
        texts = [entry_text(self.objects, entry) for entry in (change.old, current, change.new)]
        if change.new is None or any(map(is_binary, texts)):
            return change.new
        result = merge(*texts)
        return change.new if result.conflicts else Entry(change.new.mode, self.blob(result.content()))

    def add_text(self, change: TextChange) -> None:
        origin = self.where.get(change.old_path, change.old_path)
        if origin != change.path and change.file.kind is ChangeKind.RENAME:
            self.put(origin, None, self.before.get(origin), None)
        path = change.path if origin != change.old_path or change.old_path != change.path else origin
        self._put_text(change, path, self.before.get(origin))

    def _put_text(self, change: TextChange, path: str, current: Entry | None) -> None:
        file = change.file
        if file.kind is ChangeKind.ADD:
            content = b"".join(line for hunk in file.hunks for line in hunk.post_image)
            theirs = Entry(file.new_mode or REGULAR, self.blob(content))
            self.put(path, None, current, theirs)
            if current is not None and current.is_text and self.conflicts.get(path):
                texts = self.objects.read(current.oid), content
                if not any(map(is_binary, texts)):
                    labels = self.labels
                    self.mark(path, merge(b"", *texts).with_markers(labels.ours, labels.base, labels.theirs))
            return
        self.put(path, None, current, None)
        if current is None or not current.is_text or not file.hunks:
            return
        sides = text_sides(self.objects.read(current.oid), file.hunks, self.labels)
        gone = file.kind is ChangeKind.DELETE
        mode = file.new_mode or current.mode
        self.files[path] = attrs.evolve(
            self.files[path],
            base=Entry(current.mode, self.blob(sides.base)),
            theirs=None if gone else Entry(mode, self.blob(sides.theirs)),
        )
        if not gone and any(conflict.hunk is not None for conflict in self.conflicts.get(path, ())):
            self.mark(path, sides.marked)

    def add_override(self, override: Override) -> None:
        """Bring the diff of the override in force onto the files as they are laid out."""
        for file in override_diff(override, []):
            if file.path not in self.files:
                self.put(file.path, None, self.before.get(file.path), None)
            laid = self.files[file.path]
            current = laid.start
            settled = settle_text(self.objects, TextChange(file=file), current, file.path)
            if not settled.conflicts:
                self.files[file.path] = attrs.evolve(laid, start=settled.entry)
                continue
            self.files[file.path] = attrs.evolve(laid, conflicts=(*laid.conflicts, *settled.conflicts))
            if current is not None and current.is_text and file.hunks and file.kind is not ChangeKind.DELETE:
                sides = text_sides(self.objects.read(current.oid), file.hunks, self.labels)
                self.mark(file.path, sides.marked)
                if not laid.marked:
                    self.files[file.path] = attrs.evolve(
                        self.files[file.path],
                        base=Entry(current.mode, self.blob(sides.base)),
                        theirs=Entry(current.mode, self.blob(sides.theirs)),
                    )
            elif not laid.open:
                self.files[file.path] = attrs.evolve(self.files[file.path], question=settled.conflicts[0].text)

    def put(self, path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> None:
        """One file, with what the replay made of it as the answer to begin with."""
        conflicts = tuple(self.conflicts.get(path, ()))
        start = self.replay.tree.get(path)
        marked = self.replay.marked.get(path) if conflicts else None
        question = None
        if conflicts and marked is None:
            question = "; ".join(conflict.text.split("\n", 1)[0] for conflict in conflicts)
            start = ours if ours is not None else theirs
        self.files[path] = Laid(
            path=path, base=base, ours=ours, theirs=theirs, start=start, question=question, conflicts=conflicts
        )
        if marked is not None:
            self.mark(path, marked)

    def mark(self, path: str, content: bytes) -> None:
        """Lay the file out with markers in place of a question."""
        laid = self.files[path]
        sides = (self.replay.tree.get(path), laid.theirs, laid.ours)
        mode = next((side.mode for side in sides if side is not None and side.is_text), REGULAR)
        start = Entry(mode, self.blob(content))
        self.files[path] = attrs.evolve(laid, start=start, marked=True, question=None)

    def add_rest(self) -> None:
        """Conflicts of paths no change names: files in the way, and what an override no longer fits."""
        for path in list(self.files):
            parents = path.split("/")[:-1]
            for depth in range(1, len(parents) + 1):
                parent = "/".join(parents[:depth])
                there = self.before.get(parent)
                if there is not None and parent not in self.files:
                    question = f"{parent} is a file here, and the patch wants {path}"
                    self.files[parent] = Laid(path=parent, ours=there, start=there, question=question)
                    self.files[path] = attrs.evolve(self.files[path], start=None)
        for path, why in self._stale_drops():
            there = self.before.get(path)
            laid = self.files.get(path) or Laid(path=path, ours=there, start=there)
            if not laid.open:
                self.files[path] = attrs.evolve(laid, question=why)

    def _stale_drops(self) -> list[tuple[str, str]]:
        """Files of which the override in force drops a hunk that is not there any more."""
        override = self.stuck.override
        if override is None:
            return []
        found = []
        for target in override.drop:
            alone = attrs.evolve(override, drop=(target,), diff=b"")
            found += [(target.path, drift.why) for drift in adapt(self.objects, self.stuck.item, alone).drift]
        return [(self.where.get(path, path), why) for path, why in found]

    def blob(self, content: bytes) -> bytes:
        return self.objects.write("blob", content)
