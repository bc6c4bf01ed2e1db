# SPDX-License-Identifier: MIT
"""Which hunks of a patch stand in a person's answer, and which the override has to drop.

A hunk is kept when it does not collide and every line it changes stands in the answer as the merge without a person
gives it. Everything else is dropped by its id, and the override's diff says what stands there instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...values.hunk import Hunk
from ...values.result import Fate
from ..replay.change import apply_exactly
from ..text.merge import Edit, Merge, Side, edits, merge, merge_fates
from ..text.place import place

__all__ = ["dropped_by_merge", "dropped_by_placement"]

Span = tuple[int, int]


def dropped_by_merge(before: bytes, now: bytes, hunks: Sequence[Hunk], answer: bytes) -> set[int]:
    """Indices of the hunks of `before` to drop, for a patch that is merged three-way onto `now`."""
    kept = list(range(len(hunks)))
    while kept:
        theirs = apply_exactly(before, [hunks[at] for at in kept])
        assert theirs is not None, "hunks of a diff fit the file the diff was made from"
        result = merge(before, now, theirs)
        changed = _changed_regions(result, edits(result.content(), answer))
        fates = merge_fates(changed, [hunks[at] for at in kept])
        left = [at for at, fate in zip(kept, fates, strict=True) if fate is not Fate.CONFLICT]
        if left == kept:
            break
        kept = left
    return set(range(len(hunks))) - set(kept)


def _changed_regions(result: Merge, answered: Sequence[Edit]) -> Merge:
    """The merge, with every region of the patch that the answer has otherwise as a conflict."""
    regions = []
    shift = 0
    for region in result.regions:
        low = region.ours[0] + shift
        takes_theirs = region.side in (Side.THEIRS, Side.CONFLICT)
        length = region.theirs[1] - region.theirs[0] if takes_theirs else region.ours[1] - region.ours[0]
        shift += length - (region.ours[1] - region.ours[0])
        touched = region.side is not Side.OURS and _touched((low, low + length), answered)
        regions.append(attrs.evolve(region, side=Side.CONFLICT) if touched else region)
    return attrs.evolve(result, regions=regions)


def dropped_by_placement(now: bytes, hunks: Sequence[Hunk], answer: bytes) -> set[int]:
    """Indices of the hunks to drop, for a patch without blobs whose hunks are placed in `now`."""
    kept = list(range(len(hunks)))
    while kept:
        placement = place(now, [hunks[at] for at in kept])
        answered = edits(placement.content, answer)
        left = []
        shift = 0
        for at, placed in zip(kept, placement.hunks, strict=True):
            hunk = hunks[at]
            if placed.fate is Fate.CONFLICT:
                continue
            low = hunk.old_index + placed.offset + shift
            if placed.fate is Fate.APPLIED:
                shift += len(hunk.post_image) - len(hunk.pre_image)
            change = (low + hunk.leading, low + len(hunk.post_image) - hunk.trailing)
            if not _touched(change, answered):
                left.append(at)
        if left == kept:
            break
        kept = left
    return set(range(len(hunks))) - set(kept)


def _touched(span: Span, answered: Sequence[Edit]) -> bool:
    """Whether an edit of the answer changes lines of a span; where the span is empty, whether it puts lines there."""
    low, high = span
    for edit in answered:
        if low == high:
            if edit.old_lo <= low <= edit.old_hi and edit.new_hi > edit.new_lo:
                return True
        elif edit.old_lo == edit.old_hi:
            if low < edit.old_lo < high:
                return True
        elif edit.old_lo < high and edit.old_hi > low:
            return True
    return False
