# SPDX-License-Identifier: MIT
"""The changes a base made to owned paths, as values, and what follows from them alone.

Commits are not trusted to add up. What two trees differ by and no commit between them explains (the
resolution of a merge) becomes a change of its own; a revert cancels exactly the lines it takes back,
and what else it does stays a change. So nothing of the base falls between two commits.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import attrs

from ...values.hunk import Hunk, split_lines
from ...values.provenance import reverted_ids, upstream_ids
from ..replay.change import BlobChange, apply_exactly, file_hunks
from ..replay.item import RawCommit
from ..store.objects import Entry, Objects
from ..text.merge import is_binary
from .once import once

__all__ = [
    "BaseChange",
    "BaseDelta",
    "Origin",
    "changed_lines",
    "cut_down",
    "file_lines",
    "hunk_lines",
    "unexplained",
    "without_reverts",
]


class Origin(enum.Enum):
    """Whose change it is."""

    STABLE = "stable"
    VENDOR = "vendor"
    UNSIGNED = "unsigned"
    """Of a delta without history: it may be either."""


def _none() -> tuple[BlobChange, ...]:
    return ()


@attrs.frozen(kw_only=True, eq=False, slots=False)
class BaseChange:
    """One change of the base to owned paths."""

    origin: Origin
    commit: str | None
    raw: RawCommit | None
    changes: tuple[BlobChange, ...]
    """On owned paths."""
    known: bool = True
    """Whether it is the base's at all: not so where an older base and its vendor's edits cannot be told apart."""
    _others: Callable[[], tuple[BlobChange, ...]] = attrs.field(default=_none, alias="others", repr=False)

    @cached_property
    def shared(self) -> tuple[BlobChange, ...]:
        """On other paths, of the same commit: these are not retracted. Found when someone asks."""
        return self._others()

    @property
    def subject(self) -> str:
        if self.raw is not None:
            return self.raw.subject
        return "changes of the vendor" if self.origin is Origin.VENDOR else "changes of the base"

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        return () if self.raw is None else upstream_ids(self.raw.message)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id it answers to: its own and those of its origin."""
        return self.upstream if self.commit is None else (self.commit, *self.upstream)


@attrs.frozen(kw_only=True, eq=False)
class BaseDelta:
    """All that a base changed, and what could not be told about it."""

    changes: tuple[BaseChange, ...] = ()
    reverts: tuple[tuple[BaseChange, BaseChange], ...] = ()
    """Pairs of a change and its revert: what of them cancels is in no change."""
    advances: bool = False
    """The base is older than the root: its owned paths are brought forward."""
    warnings: tuple[str, ...] = ()


Lines = frozenset[bytes]
_EMPTY: tuple[Lines, Lines] = (frozenset(), frozenset())


def hunk_lines(hunks: Iterable[Hunk]) -> tuple[Lines, Lines]:
    """(removed lines, added lines) of some hunks."""
    lines = [line for hunk in hunks for line in hunk.lines]
    return (
        frozenset(line[1:] for line in lines if line[:1] == b"-"),
        frozenset(line[1:] for line in lines if line[:1] == b"+"),
    )


def changed_lines(objects: Objects, change: BlobChange) -> tuple[Lines, Lines]:
    """(removed lines, added lines) of one file's change."""
    return once(
        objects,
        ("changed lines", change.old, change.new),
        lambda: hunk_lines(file_hunks(objects, change.old, change.new)),
    )


def cut_down(objects: Objects, path: BlobChange, hunks: Sequence[Hunk], of: int) -> BlobChange:
    """A change with only some of its `of` hunks."""
    if len(hunks) == of or path.new is None:
        return path
    old = b"" if path.old is None else objects.read(path.old.oid)
    content = apply_exactly(old, sorted(hunks, key=lambda hunk: hunk.old_index))
    assert content is not None, "hunks of a diff fit the file the diff was made from"
    return attrs.evolve(path, new=Entry(path.new.mode, objects.write("blob", content)))


def unexplained(
    objects: Objects, whole: Sequence[BlobChange], changes: Sequence[BaseChange], origin: Origin
) -> BaseChange | None:
    """What two trees differ by and no change between them has; `whole` is all they differ by."""
    explained: dict[str, list[tuple[Lines, Lines]]] = {}
    exact: dict[str, set[tuple[Entry | None, Entry | None]]] = {}
    for change in changes:
        for path in change.changes:
            explained.setdefault(path.path, []).append(changed_lines(objects, path))
            exact.setdefault(path.path, set()).add((path.old, path.new))
    left = []
    for path in whole:
        if (path.old, path.new) in exact.get(path.path, ()):
            continue
        known = explained.get(path.path, [])
        removed = frozenset[bytes]().union(*(lines[0] for lines in known))
        added = frozenset[bytes]().union(*(lines[1] for lines in known))
        hunks = file_hunks(objects, path.old, path.new)
        rest = []
        for hunk in hunks:
            gone, come = hunk_lines([hunk])
            if not (gone <= removed and come <= added):
                rest.append(hunk)
        if rest:
            left.append(cut_down(objects, path, rest, len(hunks)))
        elif not hunks and not known:
            left.append(path)
    return BaseChange(origin=origin, commit=None, raw=None, changes=tuple(left)) if left else None


_REVERT_SUBJECT = re.compile(r'Revert "(.*)"\s*')


def _reverts(change: BaseChange, other: BaseChange) -> bool:
    """Whether a change says that it reverts another: by id, else by git's own subject."""
    if change.raw is None or other.raw is None:
        return False
    named = reverted_ids(change.raw.message)
    if named:
        return not set(named).isdisjoint(other.ids)
    said = _REVERT_SUBJECT.fullmatch(change.subject)
    return said is not None and said[1] == other.subject


def without_reverts(
    objects: Objects, changes: Sequence[BaseChange]
) -> tuple[tuple[BaseChange, ...], tuple[tuple[BaseChange, BaseChange], ...]]:
    """Take out what later changes take back, with what takes it back.

    Of a revert that does less or more than reverting, the rest stays. A revert of a revert brings the
    first change back.
    """
    kept: list[BaseChange] = []
    pairs: list[tuple[BaseChange, BaseChange]] = []
    for change in changes:
        match = next((other for other in reversed(kept) if _reverts(change, other)), None)
        if match is not None:
            at = kept.index(match)
            kept[at : at + 1] = _rest(objects, match, change)
            kept += _rest(objects, change, match)
            pairs.append((match, change))
            continue
        pair = next((pair for pair in reversed(pairs) if _reverts(change, pair[1])), None)
        if pair is None:
            kept.append(change)
            continue
        pairs.remove(pair)
        again, revert = pair
        # What its revert left of it stands among the kept ones: it is whole again.
        kept = [other for other in kept if other.commit != again.commit or other.commit is None]
        kept += [again, *_rest(objects, change, revert)]
    return tuple(kept), tuple(pairs)


def _rest(objects: Objects, change: BaseChange, other: BaseChange) -> list[BaseChange]:
    """What of a change is not the inverse of another one: nothing, or one change."""
    theirs = {path.path: path for path in other.changes}
    left: list[BlobChange] = []
    for path in change.changes:
        inverse = theirs.get(path.path)
        if inverse is not None and (inverse.new, inverse.old) == (path.old, path.new):
            continue
        hunks = file_hunks(objects, path.old, path.new)
        gone, come = _EMPTY if inverse is None else changed_lines(objects, inverse)
        rest = []
        for hunk in hunks:
            removed, added = hunk_lines([hunk])
            if not (removed <= come and added <= gone):
                rest.append(hunk)
        if not hunks:
            left.append(path)
        elif rest:
            left.append(cut_down(objects, path, rest, len(hunks)))
    if not left:
        return []
    if left == list(change.changes):
        return [change]
    return [attrs.evolve(change, changes=tuple(left))]


def file_lines(objects: Objects, entry: Entry | None) -> list[bytes]:
    """The lines of a file; none of a binary one."""
    content = b"" if entry is None or not entry.is_text else objects.read(entry.oid)
    return [] if is_binary(content) else split_lines(content)
