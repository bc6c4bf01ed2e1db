# SPDX-License-Identifier: MIT
"""Placement of hunks that come without the blobs they were made from.

Used for materialised patches and for the diffs of overrides. A hunk goes where it says it belongs
when its pre-image stands there with all its context; else to the one other place that has it. Fuzz is
never applied. Two possible places, or none, is a conflict that says so; a hunk whose post-image
stands there already is present. GNU patch and `git apply` would take the nearest of several places.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..values.hunk import Hunk, split_lines
from ..values.result import Fate

__all__ = ["Placed", "Placement", "place"]


@attrs.frozen(kw_only=True)
class Placed:
    """One hunk: its fate, by how many lines it moved, and why it could not be placed."""

    fate: Fate
    offset: int = 0
    why: str = ""


@attrs.frozen(kw_only=True)
class Placement:
    """All hunks of one file, and the file with those that could be placed."""

    content: bytes
    hunks: tuple[Placed, ...]

    @property
    def complete(self) -> bool:
        return all(hunk.fate is not Fate.CONFLICT for hunk in self.hunks)

    @property
    def exact(self) -> bool:
        return all(hunk.fate is Fate.APPLIED and hunk.offset == 0 for hunk in self.hunks)


def place(content: bytes, hunks: Sequence[Hunk]) -> Placement:
    """Place the hunks of one file, in order, each after the one before it."""
    lines = split_lines(content)
    out: list[bytes] = []
    done = 0
    """Lines of the content that are settled; a hunk may not reach back over them."""
    results = []
    for hunk in hunks:
        placed, at = _place_one(lines, hunk, done)
        results.append(placed)
        if at is None:
            continue
        if placed.fate is Fate.PRESENT:
            continue
        out += lines[done:at]
        out += hunk.post_image
        done = at + len(hunk.pre_image)
    out += lines[done:]
    return Placement(content=b"".join(out), hunks=tuple(results))


def _place_one(lines: Sequence[bytes], hunk: Hunk, done: int) -> tuple[Placed, int | None]:
    stated = hunk.old_index
    if _stands(lines, hunk.pre_image, stated, hunk) and stated >= done:
        return Placed(fate=Fate.APPLIED), stated
    before = [at for at in _places(lines, hunk.pre_image, hunk) if at >= done]
    after = _places(lines, hunk.post_image, hunk)
    if hunk.new_index in after and hunk.post_image:
        return Placed(fate=Fate.PRESENT), hunk.new_index
    if len(before) == 1 and not after:
        return Placed(fate=Fate.APPLIED, offset=before[0] - stated), before[0]
    if not before and len(after) == 1:
        return Placed(fate=Fate.PRESENT, offset=after[0] - hunk.new_index), after[0]
    if before and after:
        why = (
            f"could be applied at line {_listed(before)}, and stands already at line {_listed(after)}; "
            "which is meant cannot be told"
        )
    elif before:
        why = f"ambiguous: fits equally at lines {_listed(before)}"
    elif after:
        why = f"ambiguous: stands already at lines {_listed(after)}, and nowhere else to apply"
    else:
        why = f"its {len(hunk.pre_image)} lines of pre-image, wanted at line {stated + 1}, are nowhere in the file"
    return Placed(fate=Fate.CONFLICT, why=why), None


def _listed(places: Sequence[int]) -> str:
    return " and ".join(str(at + 1) for at in places)


def _stands(lines: Sequence[bytes], image: Sequence[bytes], at: int, hunk: Hunk) -> bool:
    if at < 0 or at + len(image) > len(lines):
        return False
    # No context after the change means the file's end (git apply); less before it than after, the start.
    if hunk.leading < hunk.trailing and hunk.old_start <= 1 and at != 0:
        return False
    if hunk.trailing == 0 < hunk.leading and at + len(image) != len(lines):
        return False
    return list(lines[at : at + len(image)]) == list(image)


def _places(lines: Sequence[bytes], image: Sequence[bytes], hunk: Hunk) -> list[int]:
    """0-based lines at which an image stands. An image of no lines stands only where the hunk says."""
    if not image:
        return []
    first = image[0]
    return [at for at, line in enumerate(lines) if line == first and _stands(lines, image, at, hunk)]
