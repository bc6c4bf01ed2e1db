# SPDX-License-Identifier: MIT
"""Hunks that have no place of their own, merged into the file as `patch --merge` does it.

The lines that come nearest to a hunk's pre-image are taken for ours, the pre-image for the base and the post-image for
theirs. What only the patch changes is merged, what the file has already is passed over, and what both change
differently stands between markers. A hunk is merged only where at least half of its lines stand, and where no other
place is as good: GNU patch takes the nearest of several, and puts a hunk that is nowhere between markers at the line
it names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from ...values.filechange import ChangeKind, FileChange
from ...values.hunk import Hunk, split_lines
from ...values.result import Fate
from ..replay.change import apply_exactly
from ..text.merge import Merge, Region, Side, hunk_at, is_binary, merge
from ..text.nearest import nearest_lines
from ..text.place import Placed, place
from .parts import Blobs, HunkMerge, Part, Style, Word

__all__ = ["has_markers", "merge_hunks", "merge_sides", "three_way"]


_OPEN, _BASE, _MIDDLE, _CLOSE = (mark * 7 for mark in (b"<", b"|", b"=", b">"))


def has_markers(data: bytes) -> bool:
    """Whether a file has a conflict between markers, with labels or without.

    >>> has_markers(b"<<<<<<<\\na\\n=======\\nb\\n>>>>>>>\\n"), has_markers(b"Title\\n=======\\n")
    (True, False)
    """
    left = [_OPEN, _MIDDLE, _CLOSE]
    for line in split_lines(data):
        mark = line.rstrip(b"\r\n").partition(b" ")[0]
        if left and mark == left[0]:
            left.pop(0)
    return not left


def three_way(content: bytes, change: FileChange, blobs: Blobs) -> Merge | None:
    """The merge with the file the patch was made from, where that is at hand."""
    base = None if change.old_blob is None or change.kind is ChangeKind.ADD else blobs(change.old_blob)
    if base is None:
        return None
    theirs = apply_exactly(base, change.hunks)
    if theirs is None or any(map(is_binary, (base, content, theirs))):
        return None
    return merge(base, content, theirs)


def merge_hunks(content: bytes, hunks: Sequence[Hunk], style: Style) -> tuple[bytes, tuple[HunkMerge, ...]]:
    """Merge the hunks of one file that come without the file they were made from; the file, and what became of each."""
    lines = split_lines(content)
    placed = place(content, hunks).hunks
    out: list[bytes] = []
    done = 0
    found = []
    for at, (hunk, one) in enumerate(zip(hunks, placed, strict=True)):
        if one.fate is not Fate.CONFLICT:
            low = hunk.old_index + one.offset
            out += lines[done:low]
            image, old = hunk.post_image, hunk.post_image if one.fate is Fate.PRESENT else hunk.pre_image
            there = (_already(len(out), hunk),) if one.fate is Fate.PRESENT else ()
            found.append(HunkMerge(parts=there, offset=one.offset))
            out += image
            done = low + len(old)
            continue
        span, why = _region(lines, hunk, one, done, _limit(hunks, placed, at, len(lines)))
        if span is None:
            found.append(HunkMerge(why=why))
            continue
        low, high = span
        out += lines[done:low]
        result = merge(b"".join(hunk.pre_image), b"".join(lines[low:high]), b"".join(hunk.post_image))
        parts = tuple(part for _, part in _emit(out, result, style))
        found.append(HunkMerge(parts=parts, offset=low - hunk.old_index, why=_collisions(result.conflicts, low)))
        done = high
    out += lines[done:]
    return _joined(out), tuple(found)


def merge_sides(result: Merge, hunks: Sequence[Hunk], style: Style) -> tuple[bytes, tuple[HunkMerge, ...]]:
    """A three-way merge with the file the patch was made from; the file with markers, and what became of each hunk."""
    out: list[bytes] = []
    parts: list[list[Part]] = [[] for _ in hunks]
    collided: list[list[Region]] = [[] for _ in hunks]
    for region, part in _emit(out, result, style):
        at = hunk_at(region, hunks)
        assert at is not None
        parts[at].append(part)
        if part.word is Word.CONFLICT:
            collided[at].append(region)
    found = (
        HunkMerge(parts=tuple(mine), why=_collisions(regions, 0)) for mine, regions in zip(parts, collided, strict=True)
    )
    return _joined(out), tuple(found)


def _already(before: int, hunk: Hunk) -> Part:
    changed = len(hunk.post_image) - hunk.leading - hunk.trailing
    first = before + hunk.leading + 1
    return Part(word=Word.ALREADY, first=first, last=first + max(changed, 1) - 1)


def _limit(hunks: Sequence[Hunk], placed: Sequence[Placed], at: int, length: int) -> int:
    """The line that the next hunk with a place of its own begins at."""
    return next(
        (
            hunk.old_index + one.offset
            for hunk, one in zip(hunks[at + 1 :], placed[at + 1 :], strict=True)
            if one.fate is not Fate.CONFLICT
        ),
        length,
    )


def _region(
    lines: Sequence[bytes], hunk: Hunk, placed: Placed, low: int, high: int
) -> tuple[tuple[int, int] | None, str]:
    """The lines a hunk without a place is about; None, and why, where that cannot be told."""
    high = max(high, low)
    image = hunk.pre_image
    if not image or _stands(lines, image, low, high) or _stands(lines, hunk.post_image, low, high):
        return None, placed.why
    start, end = nearest_lines(lines, image, hunk.old_index, low, high)
    alike = _alike(image, lines[start:end])
    if not alike or 2 * alike < len(image):
        return None, f"{placed.why}; no lines are near enough to it to be merged with"
    for other in (nearest_lines(lines, image, hunk.old_index, low, start), nearest_lines(lines, image, end, end, high)):
        if _alike(image, lines[slice(*other)]) >= alike:
            first, second = sorted((start, other[0]))
            return None, f"ambiguous: it could be merged equally well at lines {first + 1} and {second + 1}"
    return (start, end), ""


def _stands(lines: Sequence[bytes], image: Sequence[bytes], low: int, high: int) -> bool:
    wanted = list(image)
    return bool(wanted) and any(
        lines[at] == wanted[0] and list(lines[at : at + len(wanted)]) == wanted
        for at in range(low, high - len(wanted) + 1)
    )


def _alike(image: Sequence[bytes], lines: Sequence[bytes]) -> int:
    """How many lines two texts have in common, in order; none where these are all blank."""
    blocks = difflib.SequenceMatcher(a=list(image), b=list(lines), autojunk=False).get_matching_blocks()
    common = [line for block in blocks for line in image[block.a : block.a + block.size]]
    return len(common) if any(line.strip() for line in common) else 0


def _emit(out: list[bytes], result: Merge, style: Style) -> Iterator[tuple[Region, Part]]:
    """Append the merged lines; the regions that the patch changes, with where they went."""
    at = 0
    for region in result.regions:
        out += result.ours[at : region.ours[0]]
        ours, theirs = result.ours[slice(*region.ours)], result.theirs[slice(*region.theirs)]
        at = region.ours[1]
        start = len(out)
        if region.side is Side.CONFLICT:
            head, tail = _shared(ours, theirs)
            out += ours[:head]
            start = len(out)
            base = result.base[slice(*region.base)] if style is Style.DIFF3 else None
            out += _marked(ours[head : len(ours) - tail], base, theirs[head : len(theirs) - tail])
            last = len(out)
            out += ours[len(ours) - tail :]
            yield region, Part(word=Word.CONFLICT, first=start + 1, last=last)
            continue
        out += theirs if region.side is Side.THEIRS else ours
        if region.side is not Side.OURS:
            word = Word.MERGED if region.side is Side.THEIRS else Word.ALREADY
            yield region, Part(word=word, first=start + 1, last=max(len(out), start + 1))
    out += result.ours[at:]


def _shared(ours: Sequence[bytes], theirs: Sequence[bytes]) -> tuple[int, int]:
    """How many lines two texts begin with both, and how many of the rest they end with both."""
    shorter = min(len(ours), len(theirs))
    head = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    tail = next((at for at in range(shorter - head) if ours[-1 - at] != theirs[-1 - at]), shorter - head)
    return head, tail


def _marked(ours: Sequence[bytes], base: Sequence[bytes] | None, theirs: Sequence[bytes]) -> list[bytes]:
    old = [] if base is None else [_BASE + b"\n", *base]
    return [_ended(line) for line in (_OPEN, *ours, *old, _MIDDLE, *theirs, _CLOSE)]


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _joined(lines: Sequence[bytes]) -> bytes:
    """The lines as a file: only the last may lack its newline."""
    return b"".join([*map(_ended, lines[:-1]), *lines[-1:]])


def _collisions(regions: Sequence[Region], before: int) -> str:
    places = [f"{before + region.ours[0] + 1}" for region in regions]
    return f"collides with what stands at line{'s' * (len(places) > 1)} {' and '.join(places)}" if places else ""
