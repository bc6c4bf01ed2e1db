# SPDX-License-Identifier: MIT
"""Three-way merge of one file's lines, with an account of every change.

The content is what git's merge gives (xdiff, Myers, level zealous); the tests hold it against
libgit2 and `git merge-file`. What git does not say is which of the patch's changes were applied,
which the base had already, and which collide; that is why the merge is done here, change by change.
It costs two diffs of one file, where `merge_trees` needs trees written first.

Refuses nothing: a conflict is a value.
"""

from __future__ import annotations

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import attrs
import pygit2
from pygit2.enums import DiffOption

from ...values.hunk import Hunk, split_lines
from ...values.result import Fate
from .halving import common_end, common_start

__all__ = [
    "Edit",
    "Merge",
    "Region",
    "Side",
    "edits",
    "hunk_at",
    "is_binary",
    "merge",
    "merge_fates",
    "places_exactly",
    "splice",
]


@attrs.frozen
class Edit:
    """Lines [old_lo, old_hi) of one file became lines [new_lo, new_hi) of the other; 0-based."""

    old_lo: int
    old_hi: int
    new_lo: int
    new_hi: int


def is_binary(data: bytes) -> bool:
    """Git's own rule: a NUL byte among the first 8,000."""
    return b"\0" in data[:8000]


def edits(old: bytes, new: bytes) -> list[Edit]:
    """The changes from old to new, without context, in order (Myers, no indent heuristic, as merges use it)."""
    patch = pygit2.Patch.create_from(old, new, flag=DiffOption.FORCE_TEXT, context_lines=0)
    found = []
    for hunk in patch.hunks:
        # A side of no lines starts after the line it names.
        old_lo = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        new_lo = hunk.new_start - 1 if hunk.new_lines else hunk.new_start
        found.append(Edit(old_lo, old_lo + hunk.old_lines, new_lo, new_lo + hunk.new_lines))
    return found


class Side(enum.Enum):
    """Who changed a region of the base."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"
    """Both made the same change: the base has it already."""
    CONFLICT = "conflict"


@attrs.frozen(kw_only=True)
class Region:
    """A changed region: half-open line ranges in the three files, and who changed it."""

    side: Side
    base: tuple[int, int]
    ours: tuple[int, int]
    theirs: tuple[int, int]
    patch: tuple[Edit, ...] = ()
    """The changes of the patch (base to theirs) in it."""


@attrs.frozen(kw_only=True)
class Merge:
    """Outcome of a three-way merge."""

    base: Sequence[bytes]
    ours: Sequence[bytes]
    theirs: Sequence[bytes]
    regions: Sequence[Region]
    our_edits: Sequence[Edit]
    their_edits: Sequence[Edit]

    @property
    def conflicts(self) -> list[Region]:
        return [region for region in self.regions if region.side is Side.CONFLICT]

    def content(self) -> bytes:
        """The merged file; conflicting regions as the patch has them (what a person most often answers)."""
        return b"".join(self._assemble(lambda region: self.theirs[slice(*region.theirs)]))

    def with_markers(self, ours: str, base: str, theirs: str) -> bytes:
        """The merged file with diff3 markers around each conflict."""
        return b"".join(self._assemble(lambda region: self._marked(region, ours, base, theirs)))

    def excerpt(self, region: Region, ours: str, base: str, theirs: str, context: int = 3) -> bytes:
        """One conflict with its markers and a few lines of the current file around it."""
        low, high = region.ours
        before = self.ours[max(0, low - context) : low]
        after = self.ours[high : high + context]
        return b"".join([*before, *self._marked(region, ours, base, theirs), *after])

    def _marked(self, region: Region, ours: str, base: str, theirs: str) -> list[bytes]:
        return [
            b"<<<<<<< " + ours.encode() + b"\n",
            *_ended(self.ours[slice(*region.ours)]),
            b"||||||| " + base.encode() + b"\n",
            *_ended(self.base[slice(*region.base)]),
            b"=======\n",
            *_ended(self.theirs[slice(*region.theirs)]),
            b">>>>>>> " + theirs.encode() + b"\n",
        ]

    def _assemble(self, settle: object) -> list[bytes]:
        assert callable(settle)
        out: list[bytes] = []
        at = 0
        for region in self.regions:
            out += self.ours[at : region.ours[0]]
            if region.side is Side.CONFLICT:
                out += settle(region)
            elif region.side is Side.THEIRS:
                out += self.theirs[slice(*region.theirs)]
            else:
                out += self.ours[slice(*region.ours)]
            at = region.ours[1]
        out += self.ours[at:]
        return out


def _ended(lines: Sequence[bytes]) -> list[bytes]:
    """The lines, the last one ended, so that a marker starts a line of its own."""
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]


def merge(base: bytes, ours: bytes, theirs: bytes) -> Merge:
    """Bring the change base→theirs onto ours.

    Changes of the two sides that overlap or touch are one region, as in xdiff's `xdl_do_merge`: the
    same text on both sides is no conflict, any other is.
    """
    base_lines, our_lines, their_lines = split_lines(base), split_lines(ours), split_lines(theirs)
    our_edits, their_edits = edits(base, ours), edits(base, theirs)
    regions = []
    for low, high, mine, others in _groups(our_edits, their_edits):
        our_range = _image(low, high, mine, our_edits)
        their_range = _image(low, high, others, their_edits)
        if not others:
            side = Side.OURS
        elif not mine:
            side = Side.THEIRS
        elif our_lines[slice(*our_range)] == their_lines[slice(*their_range)]:
            side = Side.BOTH
        else:
            side = Side.CONFLICT
        regions.append(Region(side=side, base=(low, high), ours=our_range, theirs=their_range, patch=tuple(others)))
    return Merge(
        base=base_lines,
        ours=our_lines,
        theirs=their_lines,
        regions=regions,
        our_edits=our_edits,
        their_edits=their_edits,
    )


def _groups(ours: Sequence[Edit], theirs: Sequence[Edit]) -> list[tuple[int, int, list[Edit], list[Edit]]]:
    """Base ranges in which edits of the two sides hang together, with the edits of each side."""
    groups: list[tuple[int, int, list[Edit], list[Edit]]] = []
    tagged = sorted(
        [(edit.old_lo, edit.old_hi, 0, edit) for edit in ours]
        + [(edit.old_lo, edit.old_hi, 1, edit) for edit in theirs],
        key=lambda item: item[:3],
    )
    for low, high, which, edit in tagged:
        if groups:
            start, end, mine, others = groups[-1]
            # Two edits of one side never touch each other.
            if low <= end and (others if which == 0 else mine):
                (mine if which == 0 else others).append(edit)
                groups[-1] = (start, max(end, high), mine, others)
                continue
        groups.append((low, high, [edit], []) if which == 0 else (low, high, [], [edit]))
    return groups


def _image(low: int, high: int, inside: Sequence[Edit], every: Sequence[Edit]) -> tuple[int, int]:
    """Where a base range lies in the other file."""
    if inside:
        first, last = inside[0], inside[-1]
        return first.new_lo - (first.old_lo - low), last.new_hi + (high - last.old_hi)
    before = bisect_right(every, low, key=lambda edit: edit.old_lo)
    shift = every[before - 1].new_hi - every[before - 1].old_hi if before else 0
    return low + shift, high + shift


def merge_fates(result: Merge, hunks: Sequence[Hunk]) -> list[Fate]:
    """The fate of each hunk of the patch (base→theirs), in order.

    A hunk is in conflict when any change in it is, present when the base has all its changes, applied
    otherwise. Hunks are cut by another differ setting than merges use (indent heuristic), which may
    slide a change by some lines: a change counts for the hunk it lies in, else for the nearest.
    """
    sides: list[set[Side]] = [set() for _ in hunks]
    for region in result.regions:
        for edit in region.patch:
            sides[_nearest(hunks, edit)].add(region.side)
    fates = []
    for found in sides:
        if Side.CONFLICT in found:
            fates.append(Fate.CONFLICT)
        elif found == {Side.BOTH}:
            fates.append(Fate.PRESENT)
        else:
            fates.append(Fate.APPLIED)
    return fates


def hunk_at(region: Region, hunks: Sequence[Hunk]) -> int | None:
    """Index of the first hunk with a change in a region."""
    return _nearest(hunks, region.patch[0]) if region.patch and hunks else None


def _nearest(hunks: Sequence[Hunk], edit: Edit) -> int:
    """Index of the hunk a change lies in or is nearest to; hunks are in order."""
    after = bisect_right(hunks, edit.old_lo, key=lambda hunk: hunk.old_index)
    around = range(max(0, after - 1), min(len(hunks), after + 1))
    return min(around, key=lambda at: _distance(hunks[at], edit))


def _distance(hunk: Hunk, edit: Edit) -> int:
    low, high = hunk.old_index, hunk.old_index + hunk.old_count
    return max(low - edit.old_lo, edit.old_hi - high, 0)


APART = 20
"""Lines around a change that the other side must have left alone for a splice."""

CONTEXT = 4
"""Outermost of these lines that are no anchor: a hunk has 3 of context, and is not to reach beyond them."""

TRIED = 8
"""Lines, the longest first, that are tried for one that occurs once."""


def splice(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The merge of two changes that are nowhere near each other; None for any other.

    One side's change, with `APART` lines around it, stands in the other side as it does in the base. Where
    lines on both sides of the change occur once in each text, no differ could bring the changes together, and
    there is only one way to join them. It needs no diff, and is what most merges of a queue come to.
    """
    joined = _spliced(base, ours, theirs)
    return _spliced(base, theirs, ours) if joined is None else joined


def _spliced(base: bytes, into: bytes, change: bytes) -> bytes | None:
    """Put the change base→change into a text that has its surroundings; None where that is not plain to see."""
    low, high = _window(base, change)
    start, stop = _back(base, low, APART), _forth(base, high, APART)
    block = base[start:stop]
    at = into.find(block)
    if at < 0 or (start == 0 and at != 0) or (stop == len(base) and at + len(block) != len(into)):
        return None
    texts = (base, into, change)
    # A differ may slide a change along lines that repeat; never past a line that each text has once.
    if start > 0 and not _anchored(split_lines(base[start:low])[CONTEXT:-1], texts):
        return None
    if stop < len(base) and not _anchored(split_lines(base[high:stop])[1:-CONTEXT], texts):
        return None
    return into[:at] + change[start : stop + len(change) - len(base)] + into[at + len(block) :]


def _back(text: bytes, at: int, lines: int) -> int:
    """Start of the line that many lines before the one at a place; 0 where there are fewer."""
    for _ in range(lines + 1):
        at = text.rfind(b"\n", 0, at)
        if at < 0:
            return 0
    return at + 1


def _forth(text: bytes, at: int, lines: int) -> int:
    """End of the line that many lines after the one at a place; the text's end where there are fewer."""
    for _ in range(lines + 1):
        at = text.find(b"\n", at) + 1
        if at <= 0:
            return len(text)
    return at


def _anchored(lines: Sequence[bytes], texts: tuple[bytes, ...]) -> bool:
    """Whether one of some whole lines occurs once in each text."""
    longest = sorted(lines, key=len, reverse=True)[:TRIED]
    return any(all(text.count(line) == 1 for text in texts) for line in longest)


def _window(base: bytes, other: bytes) -> tuple[int, int]:
    """The range of base outside which the two texts agree, from the start and from the end."""
    start = common_start(base, other)
    end = common_end(base, other, min(len(base), len(other)) - start)
    return start, len(base) - end


def places_exactly(result: Merge, hunks: Sequence[Hunk]) -> bool:
    """Whether every hunk stands in ours with all its context: GNU patch would place it at fuzz 0."""
    for hunk in hunks:
        low, high = hunk.old_index, hunk.old_index + hunk.old_count
        first = bisect_left(result.our_edits, low, key=lambda edit: edit.old_hi)
        for edit in result.our_edits[first:]:
            if edit.old_lo >= high:
                break
            if edit.old_lo == edit.old_hi:
                touched = low < edit.old_lo < high
            else:
                touched = edit.old_lo < high and edit.old_hi > low
            if touched:
                return False
    return True
