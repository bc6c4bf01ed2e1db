# SPDX-License-Identifier: MIT
"""Placement of hunks that come without the blobs they were made from.

Used for materialised patches and for the diffs of overrides. A hunk goes where it says it belongs
when its pre-image stands there with all its context; else to the one other place that has it. Fuzz is
never applied. Two possible places, or none, is a conflict that says so; a hunk whose post-image
stands there already is present. GNU patch and `git apply` would take the nearest of several places.

Once a hunk of a file was found elsewhere, the lines the later ones name are no longer right: they
must fit in one place only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import attrs

from ...values.hunk import Hunk, split_lines
from ...values.result import Fate

__all__ = ["Placed", "Placement", "place"]

SHOWN = 5
"""Places a message lists at most."""


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
    text = _Text(content)
    out: list[bytes] = []
    done = 0
    """Lines of the content that are settled; a hunk may not reach back over them."""
    shift = 0
    """By how many lines the content is off from the pre-image, as far as the hunks before tell."""
    results = []
    for hunk in hunks:
        placed, at = _place_one(text, hunk, done, shift)
        results.append(placed)
        if at is None:
            continue
        out += text.lines[done:at]
        out += hunk.post_image
        done = at + len(hunk.post_image if placed.fate is Fate.PRESENT else hunk.pre_image)
        shift = done - (hunk.old_index + len(hunk.pre_image))
    out += text.lines[done:]
    return Placement(content=b"".join(out), hunks=tuple(results))


class _Text:
    """A file's content, searched as bytes: comparing lists of lines at every line is too slow on repetitive files."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.lines = split_lines(content)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def places(self, image: Sequence[bytes], hunk: Hunk, done: int) -> list[int]:
        """0-based lines, from `done` on, at which an image stands. An image of no lines stands nowhere."""
        wanted = b"".join(image)
        found: list[int] = []
        if not wanted:
            return found
        at = self.content.find(wanted, self.starts[min(done, len(self.lines))])
        while at >= 0:
            line = bisect_left(self.starts, at)
            if self.starts[line] == at and self._fits(line, image, hunk):
                found.append(line)
            # On from the next line: an image starts where a line does.
            at = self.content.find(wanted, self.starts[line + 1] if self.starts[line] == at else self.starts[line])
        return found

    def stands(self, image: Sequence[bytes], at: int, hunk: Hunk) -> bool:
        """Whether a non-empty image stands at a line."""
        return self._fits(at, image, hunk) and self.lines[at : at + len(image)] == image

    def _fits(self, at: int, image: Sequence[bytes], hunk: Hunk) -> bool:
        end = at + len(image)
        if at < 0 or end > len(self.lines) or not image:
            return False
        # No context after the change means the file's end (git apply); less before it than after, the start.
        if hunk.leading < hunk.trailing and hunk.old_start <= 1 and at != 0:
            return False
        if hunk.trailing == 0 < hunk.leading and end != len(self.lines):
            return False
        # A side without final newline is the end of a file; elsewhere its last line would run into the next.
        return end == len(self.lines) or not hunk.ends_file


def _place_one(text: _Text, hunk: Hunk, done: int, shift: int) -> tuple[Placed, int | None]:
    """What becomes of a hunk, and the line it stands at; None for a conflict."""
    stated = hunk.old_index
    if not hunk.pre_image:
        return _place_bare(text, hunk, stated + shift)
    if not shift and stated >= done and text.stands(hunk.pre_image, stated, hunk):
        return Placed(fate=Fate.APPLIED), stated
    before = text.places(hunk.pre_image, hunk, done)
    after = text.places(hunk.post_image, hunk, done)
    if not shift and stated in after:
        return Placed(fate=Fate.PRESENT), stated
    if len(before) == 1 and not after:
        return Placed(fate=Fate.APPLIED, offset=before[0] - stated), before[0]
    if not before and len(after) == 1:
        return Placed(fate=Fate.PRESENT, offset=after[0] - stated), after[0]
    if before and after:
        why = (
            f"ambiguous: could be applied at line {_listed(before)}, and stands already at line {_listed(after)}; "
            "which is meant cannot be told"
        )
    elif before:
        why = f"ambiguous: fits equally at lines {_listed(before)}"
    elif after:
        why = f"ambiguous: stands already at lines {_listed(after)}, and nowhere else to apply"
    else:
        why = f"its {len(hunk.pre_image)} lines of pre-image, wanted at line {stated + 1}, are nowhere in the file"
        if done:
            why += f" after line {done}, where the hunk before it ends"
    return Placed(fate=Fate.CONFLICT, why=why), None


def _place_bare(text: _Text, hunk: Hunk, expected: int) -> tuple[Placed, int | None]:
    """A hunk that only adds, without context: the whole of an empty file, or else it could stand anywhere."""
    if not text.lines:
        return Placed(fate=Fate.APPLIED, offset=-hunk.old_index), 0
    if text.stands(hunk.post_image, expected, hunk):
        return Placed(fate=Fate.PRESENT), expected
    why = "ambiguous: it adds lines and has no context, so it fits at every line of a file that is not empty"
    return Placed(fate=Fate.CONFLICT, why=why), None


def _listed(places: Sequence[int]) -> str:
    shown = " and ".join(str(at + 1) for at in places[:SHOWN])
    return shown if len(places) <= SHOWN else f"{shown} and {len(places) - SHOWN} more"
