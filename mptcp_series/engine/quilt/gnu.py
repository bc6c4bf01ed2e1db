# SPDX-License-Identifier: MIT
"""Where GNU patch 2.7 would have put hunks: to recognise what quilt pushed, never to place anything by it.

GNU patch takes the nearest of several places and, two lines of context at each end left aside by degrees, places that
only resemble (patch(1), `--fuzz`). A patch that quilt pushed that way is applied all the same, so a pop must know its
files again, and a refresh must not take such a place for good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...values.hunk import Hunk, split_lines

__all__ = ["PATCH_FUZZ", "as_gnu_patch_does"]

PATCH_FUZZ = 2
"""GNU patch's own fuzz, which quilt uses unless it is told otherwise."""


def as_gnu_patch_does(content: bytes, hunks: Sequence[Hunk], fuzz: int = PATCH_FUZZ) -> bytes | None:
    """The content with all hunks in it, None where GNU patch would reject one.

    >>> from ...values.hunk import Hunk
    >>> lines = (b" a\\n", b"-b\\n", b"+B\\n", b" c\\n")
    >>> hunk = Hunk(old_start=1, old_count=3, new_start=1, new_count=3, lines=lines)
    >>> as_gnu_patch_does(b"x\\nb\\nc\\n", [hunk])
    b'x\\nB\\nc\\n'
    """
    lines = split_lines(content)
    out: list[bytes] = []
    done = 0
    shift = 0
    for hunk in hunks:
        at = _located(lines, hunk, done, shift, fuzz)
        if at is None:
            return None
        # Context is the file's own; what stands behind the last change may be the next hunk's as well.
        out += lines[done : at + hunk.leading]
        out += hunk.post_image[hunk.leading : len(hunk.post_image) - hunk.trailing]
        done = at + len(hunk.pre_image) - hunk.trailing
        shift = at - hunk.old_index
    out += lines[done:]
    return b"".join(out)


def _located(lines: Sequence[bytes], hunk: Hunk, done: int, shift: int, fuzz: int) -> int | None:
    guess = hunk.old_index + shift
    context = max(hunk.leading, hunk.trailing)
    for degree in range(min(fuzz, context) + 1):
        head = degree + hunk.leading - context
        tail = degree + hunk.trailing - context
        low, high = max(head, 0), len(hunk.pre_image) - max(tail, 0)
        for at in _outwards(guess, done, len(lines) - len(hunk.pre_image) + max(tail, 0)):
            if head < 0 and hunk.old_start <= 1 and at != 0:
                continue
            if tail < 0 and at + len(hunk.pre_image) != len(lines):
                continue
            if lines[at + low : at + high] == hunk.pre_image[low:high]:
                return at
    return None


def _outwards(guess: int, low: int, high: int) -> Iterator[int]:
    """Lines from low to high, the nearest to the guess first, of two as near the later one."""
    for distance in range(max(high - guess, guess - low, 0) + 1):
        for at in (guess + distance, guess - distance)[: 2 if distance else 1]:
            if low <= at <= high:
                yield at
