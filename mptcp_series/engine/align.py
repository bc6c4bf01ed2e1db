# SPDX-License-Identifier: MIT
"""Alignment: the base's owned paths brought to root's state at the bottom of the queue.

Stable trees carry backports of the very fixes a queue brings; the two collide. Retracting the base's
own changes first removes that whole class of conflicts. It is right only when it is accounted for, so
every retracted change is followed to the patch that brings it back, and what nothing brings back is
restored at the queue's end, or lost and said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ..values.hunk import Hunk, hunk_ids, split_lines
from ..values.recipe import Acknowledge
from ..values.result import (
    EntryKind,
    HalfRetracted,
    Lost,
    PatchOutcome,
    Reinstated,
    Retracted,
    Status,
)
from .basechanges import BaseChange, BaseDelta
from .change import BlobChange, file_hunks
from .coverage import stands_in
from .item import Item, RawCommit
from .merge import is_binary
from .objects import Entry, Objects
from .tree import TreeEditor

__all__ = ["Accounted", "Uncovered", "account", "align_item"]

_COVERING = frozenset({Status.CLEAN, Status.OFFSET, Status.MERGED, Status.UPSTREAM})
"""What a covering patch must be: a skipped, overridden or conflicting one covers nothing."""


def align_item(changes: Sequence[BlobChange], delta: BaseDelta, root: str, items: Sequence[Item], date: bytes) -> Item:
    """The entry at the bottom of the queue that brings owned paths to root's state.

    Its message lists every change it takes out and the patch that is to bring it back.
    """
    verb = "Advance" if delta.advances else "Retract"
    lines = [f"{verb}: owned paths as in {root}", ""]
    if delta.advances:
        lines += [f"The base is older than {root}, where the queue starts."]
    else:
        lines += [f"The queue starts from {root}; these changes of the base are taken out:", ""]
        for change in delta.changes:
            brought = _mapped(change, items)
            what = f"{change.commit[:12]} " if change.commit is not None else ""
            lines.append(f"  {what}{change.subject}")
            if brought is not None:
                lines.append(f"    brought back by {brought.name}")
            elif not change.upstream:
                lines += [f"    {path.path}" for path in change.changes]
    return Item(
        name=f"align-to-{_slug(root)}.patch",
        kind=EntryKind.ALIGN,
        commit=None,
        raw=RawCommit(
            author=b"mptcp_series <mptcp-series@localhost> " + date,
            encoding=None,
            message="\n".join([*lines, ""]).encode("utf-8", "surrogateescape"),
        ),
        changes=tuple(changes),
    )


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() or character in "._-" else "-" for character in text)


def _mapped(change: BaseChange, items: Iterable[Item]) -> Item | None:
    """The queue's patch for a change: by upstream id, then by subject."""
    names = set(change.upstream) | ({change.commit} if change.commit is not None else set())
    by_id = next((item for item in items if names & set(item.upstream)), None)
    if by_id is not None or change.raw is None:
        return by_id
    return next((item for item in items if item.subject == change.subject), None)


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


def account(
    objects: Objects,
    delta: BaseDelta,
    items: Sequence[Item],
    outcomes: Sequence[PatchOutcome],
    result: TreeEditor,
    acknowledged: Sequence[Acknowledge],
    root: str,
) -> Accounted:
    """Follow every retracted change to where it is in the result."""
    by_name = {outcome.name: outcome for outcome in outcomes}
    bringers = _Bringers(objects, items, root)
    accounted = _Builder()
    for change in delta.changes:
        item = _mapped(change, items)
        outcome = None if item is None else by_name[item.name]
        if item is not None and outcome is not None and outcome.status in _COVERING:
            accounted.retracted.append(_entry(change, item.name))
            accounted.half += _half(objects, change, item, outcome, result)
            continue
        accounted.by_content(objects, change, result, bringers, acknowledged)
    for change, revert in delta.reverts:
        item = _mapped(change, items)
        if item is not None and by_name[item.name].status in _COVERING:
            accounted.reinstated.append(
                Reinstated(commit=revert.commit, subject=revert.subject, name=item.name)
            )
    return accounted.done()


def _entry(change: BaseChange, covered_by: str | None, path: str | None = None, hunk: str | None = None) -> Retracted:
    return Retracted(
        commit=change.commit,
        subject=change.subject,
        upstream=next(iter(change.upstream), None),
        covered_by=covered_by,
        path=path,
        hunk=hunk,
    )


@attrs.define
class _Builder:
    """Collects the account."""

    retracted: list[Retracted] = attrs.field(factory=list)
    reinstated: list[Reinstated] = attrs.field(factory=list)
    acknowledged: list[Lost] = attrs.field(factory=list)
    uncovered: list[Uncovered] = attrs.field(factory=list)
    half: list[HalfRetracted] = attrs.field(factory=list)

    def by_content(
        self,
        objects: Objects,
        change: BaseChange,
        result: TreeEditor,
        bringers: _Bringers,
        acknowledged: Sequence[Acknowledge],
    ) -> None:
        """Account for a change hunk by hunk: what it does stands in the result, or it is not covered."""
        left: list[BlobChange] = []
        lost: list[Lost] = []
        for path in change.changes:
            hunks = file_hunks(objects, path.old, path.new)
            current = result.get(path.path)
            open_hunks = []
            for identifier, hunk in zip(hunk_ids(hunks), hunks, strict=True):
                if _stands(objects, path, hunk, current):
                    bringer = bringers.of(path.path, hunk)
                    self.retracted.append(_entry(change, bringer, path.path, identifier))
                    continue
                self.retracted.append(_entry(change, None, path.path, identifier))
                missing = _lost(change, path.path, identifier)
                reason = _acknowledged(change, path.path, identifier, acknowledged)
                if reason is not None:
                    self.acknowledged.append(attrs.evolve(missing, reason=reason))
                    continue
                open_hunks.append(hunk)
                lost.append(missing)
            if not hunks and current != path.new:
                # A mode, a link, a binary file: it has no hunks, and is the base's or is not.
                self.retracted.append(_entry(change, None, path.path))
                lost.append(_lost(change, path.path, None))
                left.append(path)
            elif open_hunks:
                left.append(_cut(objects, path, open_hunks, whole=len(open_hunks) == len(hunks)))
        if left:
            self.uncovered.append(Uncovered(change=change, left=tuple(left), lost=tuple(lost)))

    def done(self) -> Accounted:
        return Accounted(
            retracted=tuple(self.retracted),
            reinstated=tuple(self.reinstated),
            acknowledged=tuple(self.acknowledged),
            uncovered=tuple(self.uncovered),
            half_retracted=tuple(self.half),
        )


def _lost(change: BaseChange, path: str, hunk: str | None) -> Lost:
    return Lost(
        commit=change.commit,
        subject=change.subject,
        upstream=next(iter(change.upstream), None),
        path=path,
        hunk=hunk,
    )


def _acknowledged(
    change: BaseChange, path: str, hunk: str, acknowledged: Iterable[Acknowledge]
) -> str | None:
    """The reason by which a person accepts this loss."""
    names = {change.commit, *change.upstream}
    for entry in acknowledged:
        if (entry.commit is not None and entry.commit in names) or (entry.path, entry.hunk) == (path, hunk):
            return entry.reason
    return None


def _stands(objects: Objects, path: BlobChange, hunk: Hunk, current: Entry | None) -> bool:
    if current == path.new:
        return True
    if current is None or not current.is_text:
        return False
    content = objects.read(current.oid)
    if path.old is None:
        # A file the base added and the queue brings too, in a later shape: line by line.
        present = set(split_lines(content))
        return all(line in present for line in hunk.post_image if line.strip())
    return stands_in(hunk, content)


def _cut(objects: Objects, path: BlobChange, hunks: Sequence[Hunk], *, whole: bool) -> BlobChange:
    """A change cut down to some of its hunks."""
    if whole or path.old is None or path.new is None:
        return path
    lines = split_lines(objects.read(path.old.oid))
    for hunk in sorted(hunks, key=lambda hunk: hunk.old_index, reverse=True):
        lines[hunk.old_index : hunk.old_index + len(hunk.pre_image)] = hunk.post_image
    return attrs.evolve(path, new=Entry(path.new.mode, objects.write("blob", b"".join(lines))))


class _Bringers:
    """Which patch of the queue first has a hunk's change, by the source's own images of a file."""

    def __init__(self, objects: Objects, items: Sequence[Item], root: str) -> None:
        self._objects = objects
        self._items = items
        self._root = root
        self._images: dict[str, list[tuple[str, bytes]]] = {}

    def of(self, path: str, hunk: Hunk) -> str:
        """Name of that patch; the root where no patch but the root itself has it."""
        for name, content in self._of_path(path):
            if stands_in(hunk, content):
                return name
        return self._root

    def _of_path(self, path: str) -> list[tuple[str, bytes]]:
        images = self._images.get(path)
        if images is None:
            images = self._images[path] = []
            for item in self._items:
                for change in item.changes:
                    if isinstance(change, BlobChange) and change.path == path and change.new is not None:
                        content = self._objects.read(change.new.oid)
                        if not is_binary(content):
                            images.append((item.name, content))
        return images


def _half(
    objects: Objects, change: BaseChange, item: Item, outcome: PatchOutcome, result: TreeEditor
) -> list[HalfRetracted]:
    """The shared files of a retracted commit, and whether the covering patch found that part in place."""
    found = []
    outcomes: Mapping[str, Status] = {path.path: path.status for path in outcome.paths}
    for path in change.shared:
        status = outcomes.get(path.path)
        whole = status is Status.UPSTREAM
        if not whole and status in (Status.CLEAN, Status.OFFSET, Status.MERGED):
            # The patch had more to do in that file; what the base has of it must stand.
            current = result.get(path.path)
            whole = current is not None and all(
                _stands(objects, path, hunk, current) for hunk in file_hunks(objects, path.old, path.new)
            )
        assert change.commit is not None
        found.append(
            HalfRetracted(
                commit=change.commit, subject=change.subject, path=path.path, covered_by=item.name, whole=whole
            )
        )
    return found


