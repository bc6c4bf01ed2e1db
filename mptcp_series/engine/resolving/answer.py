# SPDX-License-Identifier: MIT
"""A person's answer as an override: what of the patch is left out, and the diff that stands there instead.

The answer is whole files. What is captured is as little as gives them: hunks that stand in the answer are kept,
others dropped by id, a file of which none is kept by its path, and the diff is against the files as the kept hunks
leave them. Whether it gives the answer is never assumed: `resolve` replays the queue with it before it writes.

A path alone drops whatever a patch does there, so it is used only for a pinned patch, which never changes. What is
carried for a base is another patch on the next base; its hunks are named, so that the override drifts there instead
of taking away what nobody looked at.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence

import attrs

from ...errors import BadInput
from ...values.hunk import Hunk, hunk_ids, split_lines
from ...values.override import DropTarget, Override
from ...values.patch import ChangeKind
from ...values.remembered import LONGEST
from ..exchange.render import render_change
from ..replay.change import BlobChange, Change, TextChange, entry_text, file_hunks
from ..store.objects import SUBMODULE, Entry, Objects, Oid
from ..store.tree import BlockedPath, TreeEditor
from ..text.merge import is_binary
from .hunks import dropped_by_merge, dropped_by_placement
from .layout import Layout

__all__ = ["Captured", "DroppedHunk", "answered_tree", "capture"]


@attrs.frozen(kw_only=True)
class DroppedHunk:
    """One dropped hunk with its text; an override remembers it for its reviewer, and for the day it drifts."""

    target: DropTarget
    id: str
    hunk: Hunk


@attrs.frozen(kw_only=True, eq=False)
class Captured:
    """What the override is to say."""

    drop: tuple[DropTarget, ...]
    hunks: tuple[DroppedHunk, ...]
    diff: bytes
    tree: Oid
    """The tree the entry has to lead to."""


def answered_tree(layout: Layout, wanted: Mapping[str, Entry | None]) -> Oid:
    """The tree with the answer in it. Raises BadInput where a file and a directory want the same path."""
    tree = TreeEditor(layout.stuck.objects, layout.stuck.tree)
    try:
        for path, entry in sorted(wanted.items(), key=lambda item: (item[1] is not None, item[0])):
            tree.put(path, entry)
    except BlockedPath as blocked:
        raise BadInput(f"the answer cannot be put into the tree: {blocked}") from blocked
    return tree.write()


def capture(layout: Layout, wanted: Mapping[str, Entry | None]) -> Captured:
    """Find the drops and the diff that lead to an answer.

    wanted: the answer, a file a path, None for no file. Raises BadInput for what no override can say.
    """
    tree = answered_tree(layout, wanted)
    drops = _Drops(layout, wanted)
    kept, touched = drops.settle()
    diff = _diff(layout, wanted, kept, touched)
    return Captured(drop=drops.targets(), hunks=tuple(drops.remembered()), diff=diff, tree=tree)


class _Drops:
    """Chooses what to leave out: by path None for all of the file, else the indices of hunks."""

    def __init__(self, layout: Layout, wanted: Mapping[str, Entry | None]) -> None:
        self.layout = layout
        self.objects: Objects = layout.stuck.objects
        self.wanted = wanted
        self.changes = layout.stuck.item.changes
        self.chosen: dict[str, set[int] | None] = {}
        self.pinned = layout.stuck.item.commit is not None
        self.plain: dict[str, list[Change]] = {}
        for change in self.changes:
            for part in _parts(change):
                self.plain.setdefault(part.path, []).append(part)
        for change in self.changes:
            self.choose(change)

    def choose(self, change: Change) -> None:
        """Decide about one change by its conflict and its answer."""
        paths = {change.path, change.old_path}
        where = {self.layout.where.get(path, path) for path in paths}
        asked = any(path in self.layout.files and self.layout.files[path].open for path in where)
        hunks = self.dropped_hunks(change, *where) if len(where) == len(paths) == 1 else None
        if hunks is None:
            as_was = all(self.want(path) == self.layout.before.get(path) for path in where)
            does_something = any(self.layout.after.get(path) != self.layout.before.get(path) for path in where)
            deletes = change.file.kind is ChangeKind.DELETE if isinstance(change, TextChange) else change.new is None
            kept_alive = deletes and any(self.want(path) is not None for path in where)
            if asked or kept_alive or (as_was and does_something):
                self.leave_out(change)
        elif hunks:
            every = len(hunks) == len(self.hunks_of(change))
            self.chosen[change.path] = None if every or len(self.plain[change.path]) > 1 else hunks

    def leave_out(self, change: Change) -> None:
        """All of a file; of a rename both of its halves."""
        self.chosen[change.path] = None
        if isinstance(change, BlobChange) and change.renames:
            self.chosen[change.old_path] = None

    def want(self, path: str) -> Entry | None:
        return self.wanted.get(path, self.layout.before.get(path))

    def dropped_hunks(self, change: Change, path: str) -> set[int] | None:
        """Indices of the hunks that do not stand in the answer; None where that cannot be told line by line."""
        now, want = self.layout.before.get(path), self.want(path)
        if now is None or want is None or not (now.is_text and want.is_text):
            return None
        texts = [entry_text(self.objects, entry) for entry in (now, want)]
        if any(map(is_binary, texts)):
            return None
        if isinstance(change, TextChange):
            if change.file.kind is not ChangeKind.MODIFY or not change.file.hunks:
                return None
            return dropped_by_placement(texts[0], change.file.hunks, texts[1])
        hunks = self.hunks_of(change)
        if change.old is None or change.new is None or not hunks or not (change.old.is_text and change.new.is_text):
            return None
        return dropped_by_merge(entry_text(self.objects, change.old), texts[0], hunks, texts[1])

    def hunks_of(self, change: Change) -> Sequence[Hunk]:
        if isinstance(change, TextChange):
            return change.file.hunks
        return file_hunks(self.objects, change.old, change.new)

    def settle(self) -> tuple[TreeEditor, set[str]]:
        """Replay the entry without what is left out, and leave out more until nothing collides.

        Gives the tree with the kept hunks, and the paths that were touched.
        """
        for _ in range(len(self.changes) * 2 + 2):
            targets = self.targets()
            override = Override(patch=self.layout.stuck.item.name, drop=targets, reason="tried") if targets else None
            replay = self.layout.stuck.again(override)
            outcome = replay.replay(self.layout.stuck.item)
            if not outcome.conflicts:
                return replay.tree, {path.path for path in outcome.paths}
            # A file that was renamed on the base collides under its name there.
            there = {conflict.path for conflict in outcome.conflicts}
            named = there | {path.source_path for path in outcome.paths if path.path in there and path.source_path}
            for change in self.changes:
                if named & {change.path, change.old_path}:
                    self.leave_out(change)
            if self.targets() == targets:
                for change in self.changes:
                    self.leave_out(change)
        raise BadInput(
            f"{self.layout.stuck.item.name} still collides when all of it is left out; use --skip, or write the "
            "override by hand"
        )

    def targets(self) -> tuple[DropTarget, ...]:
        """The `Drop` fields, sorted by path, hunks in the order of the patch."""
        found: list[DropTarget] = []
        for path, chosen in sorted(self.chosen.items()):
            if "#" in path:
                raise BadInput(f"{path}: `Drop` cannot name a path with a '#'; use --skip")
            hunks = self._by_id(path, chosen)
            found += [target for target, _ in hunks] or [DropTarget(path=path)]
        return tuple(found)

    def remembered(self) -> Iterable[DroppedHunk]:
        """The text of the hunks dropped by id, and of those of a file where they are few."""
        for path, chosen in sorted(self.chosen.items()):
            by_id = self._by_id(path, chosen)
            for target, hunk in by_id:
                yield DroppedHunk(target=target, id=target.id or "", hunk=hunk)
            hunks = [] if by_id else [hunk for part in self.plain[path] for hunk in self.hunks_of(part)]
            if sum(line[:1] in (b"+", b"-") for hunk in hunks for line in hunk.lines) <= LONGEST:
                for identifier, hunk in zip(hunk_ids(hunks), hunks, strict=True):
                    yield DroppedHunk(target=DropTarget(path=path), id=identifier, hunk=hunk)

    def _by_id(self, path: str, chosen: set[int] | None) -> list[tuple[DropTarget, Hunk]]:
        """The hunks to drop by id; none where all of the file goes by its path."""
        if chosen is None and (self.pinned or len(self.plain[path]) > 1 or _more_than_hunks(self.plain[path][0])):
            return []
        (change,) = self.plain[path]
        hunks = self.hunks_of(change)
        chosen = set(range(len(hunks))) if chosen is None else chosen
        ids = hunk_ids(hunks)
        named = []
        for at in sorted(chosen):
            bare, _, number = ids[at].partition(".")
            repeats = sum(identifier.split(".")[0] == bare for identifier in ids) > 1
            nth = int(number or 1) if repeats else 0
            named.append((DropTarget(path=path, hunk=bare, nth=nth), hunks[at]))
        return named


def _more_than_hunks(change: Change) -> bool:
    """Whether a change does something that no hunk id names: a move, a mode, the end of a file."""
    if isinstance(change, TextChange):
        return change.file.kind is not ChangeKind.MODIFY or change.file.old_mode != change.file.new_mode
    return change.old is None or change.new is None or change.old.mode != change.new.mode


def _parts(change: Change) -> list[Change]:
    """A change as `Drop` sees it: a rename is a deletion and an addition."""
    if isinstance(change, BlobChange) and change.renames:
        return [
            BlobChange(path=change.old_path, old_path=change.old_path, old=change.old, new=None),
            BlobChange(path=change.path, old_path=change.path, old=None, new=change.new),
        ]
    return [change]


def _diff(layout: Layout, wanted: Mapping[str, Entry | None], kept: TreeEditor, touched: Iterable[str]) -> bytes:
    """The diff from the files as the kept hunks leave them to the answer; what goes makes way for what comes."""
    objects = layout.stuck.objects
    changes = []
    for path in sorted({*wanted, *touched}):
        now = kept.get(path)
        want = wanted.get(path, layout.before.get(path))
        if now == want:
            continue
        if any(entry is not None and entry.mode == SUBMODULE for entry in (now, want)):
            raise BadInput(f"{path} is a submodule, of which an override can say nothing; use --skip")
        if now is not None and want is not None and (now.mode >> 12 != want.mode >> 12 or not now.is_text):
            # A file that becomes a link, or a link that becomes another: one goes, one comes.
            changes.append(BlobChange(path=path, old_path=path, old=now, new=None))
            now = None
        changes.append(BlobChange(path=path, old_path=path, old=now, new=want))
    changes.sort(key=lambda change: (change.new is not None, change.path))
    return b"".join(_file_diff(objects, change) for change in changes)


def _file_diff(objects: Objects, change: BlobChange) -> bytes:
    """One file of the diff, without an index line: the ids are those of one base only."""
    texts = [entry_text(objects, entry) for entry in (change.old, change.new)]
    lines = split_lines(render_change(objects, change))
    if any(map(is_binary, texts)):
        # Nothing but the very same file may be replaced: here the ids count.
        start = next((at for at, line in enumerate(lines) if line.startswith(b"GIT binary patch")), len(lines))
        return b"".join(lines[:start]) + (_literal(texts[1]) if start < len(lines) else b"")
    body = next((at for at, line in enumerate(lines) if line.startswith(b"@@ ")), len(lines))
    return b"".join(line for at, line in enumerate(lines) if at >= body or not line.startswith(b"index "))


def _literal(content: bytes) -> bytes:
    """A `GIT binary patch` section with the whole content (git's binary diff; libgit2 may write a delta)."""
    packed = zlib.compress(content, 9)
    lines = [b"GIT binary patch\n", b"literal %d\n" % len(content)]
    for at in range(0, len(packed), 52):
        piece = packed[at : at + 52]
        length = len(piece) + 64 if len(piece) <= 26 else len(piece) + 70
        lines.append(bytes([length]) + base64.b85encode(piece, pad=True) + b"\n")
    return b"".join(lines) + b"\n"
