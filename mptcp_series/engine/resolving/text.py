# SPDX-License-Identifier: MIT
"""Three sides for hunks that come without the files they were made from.

A merge needs a base; a patch from a mail has only hunks. Where one of them has no place, the lines that come nearest
are taken for it, its pre-image for the base and its post-image for the patch's side: enough for markers and for a
merge tool. It is a proposal for a person, and is never taken by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...values.hunk import Hunk, split_lines
from ...values.result import Fate
from ..replay.settle import Labels
from ..text.nearest import nearest_lines
from ..text.place import Placement, place

__all__ = ["TextSides", "text_sides"]


@attrs.frozen(kw_only=True)
class TextSides:
    """The file with markers where a hunk has no place, and what stands in for the two sides that are missing."""

    marked: bytes
    base: bytes
    theirs: bytes


@attrs.frozen(kw_only=True)
class _Spot:
    """One hunk and the lines [low, high) of the current file that it concerns."""

    low: int
    high: int
    before: Sequence[bytes]
    after: Sequence[bytes]
    fate: Fate


def text_sides(content: bytes, hunks: Sequence[Hunk], labels: Labels) -> TextSides:
    """Lay the hunks of one file out over its current content."""
    lines = split_lines(content)
    marked: list[bytes] = []
    base: list[bytes] = []
    theirs: list[bytes] = []
    done = 0
    for spot in _spots(lines, hunks, place(content, hunks)):
        for side in (marked, base, theirs):
            side += lines[done : spot.low]
        marked += _collision(lines[spot.low : spot.high], spot, labels) if spot.fate is Fate.CONFLICT else spot.after
        base += spot.before
        theirs += spot.after
        done = spot.high
    for side in (marked, base, theirs):
        side += lines[done:]
    return TextSides(marked=_joined(marked), base=_joined(base), theirs=_joined(theirs))


def _joined(lines: Sequence[bytes]) -> bytes:
    """The lines as a file: only the last may lack its newline."""
    return b"".join([line if line.endswith(b"\n") else line + b"\n" for line in lines[:-1]] + list(lines[-1:]))


def _spots(lines: Sequence[bytes], hunks: Sequence[Hunk], placement: Placement) -> list[_Spot]:
    """Where each hunk stands, or comes nearest between its neighbours."""
    known: list[tuple[int, int] | None] = []
    for hunk, placed in zip(hunks, placement.hunks, strict=True):
        image = hunk.post_image if placed.fate is Fate.PRESENT else hunk.pre_image
        low = hunk.old_index + placed.offset
        stands = placed.fate is not Fate.CONFLICT and list(lines[low : low + len(image)]) == image
        known.append((low, low + len(image)) if stands else None)
    spots = []
    done = 0
    for at, (hunk, placed) in enumerate(zip(hunks, placement.hunks, strict=True)):
        span = known[at]
        fate = placed.fate
        if span is None:
            limit = next((later[0] for later in known[at + 1 :] if later is not None), len(lines))
            limit = max(limit, done)
            span = nearest_lines(lines, hunk.pre_image, hunk.old_index, done, limit)
            fate = Fate.CONFLICT
        spots.append(_Spot(low=span[0], high=span[1], before=hunk.pre_image, after=hunk.post_image, fate=fate))
        done = span[1]
    return spots


def _collision(ours: Sequence[bytes], spot: _Spot, labels: Labels) -> list[bytes]:
    """The hunk as a conflict; what all three sides begin and end with stands outside of the markers."""
    sides = [list(ours), list(spot.before), list(spot.after)]
    head = _shared(sides)
    tail = _shared([side[len(head) :][::-1] for side in sides])[::-1]
    cut = [side[len(head) : len(side) - len(tail)] for side in sides]
    return [
        *head,
        b"<<<<<<< %s\n" % labels.ours.encode(),
        *_ended(cut[0]),
        b"||||||| %s\n" % labels.base.encode(),
        *_ended(cut[1]),
        b"=======\n",
        *_ended(cut[2]),
        b">>>>>>> %s\n" % labels.theirs.encode(),
        *tail,
    ]


def _shared(sides: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The lines all sides begin with."""
    shared: list[bytes] = []
    for lines in zip(*sides, strict=False):
        if len(set(lines)) > 1:
            break
        shared.append(lines[0])
    return shared


def _ended(lines: Sequence[bytes]) -> list[bytes]:
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]
