# SPDX-License-Identifier: MIT
"""Hunks that fit in several places each, and in one way all together.

The hunks of a file stand in its order. A patch that makes the same change in three places of a file has three hunks of
the same lines; each of them fits equally in all three, and still there is only one way to put all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...values.hunk import Hunk, split_lines

__all__ = ["only_way"]

MOST = 200
"""Places of one hunk that are looked at; more says nothing."""


def only_way(content: bytes, hunks: Sequence[Hunk]) -> list[int] | None:
    """The 0-based line of each hunk, where all of them, with all context, fit in one way only; None otherwise.

    >>> lines = (b" a\\n", b"-b\\n", b"+c\\n", b" d\\n")
    >>> def hunk(at):
    ...     return Hunk(old_start=at, old_count=3, new_start=at, new_count=3, lines=lines)
    >>> only_way(b"x\\n" + b"a\\nb\\nd\\n" * 2, [hunk(1), hunk(4)])
    [1, 4]
    >>> only_way(b"x\\n" + b"a\\nb\\nd\\n" * 3, [hunk(1), hunk(4)])
    """
    lines = split_lines(content)
    if any(not hunk.pre_image for hunk in hunks):
        return None
    places = []
    for hunk in hunks:
        if _places(lines, hunk.post_image, hunk):
            return None  # It may stand there already.
        places.append(_places(lines, hunk.pre_image, hunk))
    earliest: list[int] = []
    done = 0
    for hunk, found in zip(hunks, places, strict=True):
        at = next((at for at in found if at >= done), None)
        if at is None:
            return None
        earliest.append(at)
        done = at + len(hunk.pre_image)
    limit = len(lines)
    for at, hunk, found in zip(reversed(earliest), reversed(hunks), reversed(places), strict=True):
        latest = next(place for place in reversed(found) if place + len(hunk.pre_image) <= limit)
        if latest != at:
            return None
        limit = latest
    return earliest


def _places(lines: Sequence[bytes], image: Sequence[bytes], hunk: Hunk) -> list[int]:
    """Where an image stands, as far as a hunk's context allows."""
    if not image:
        return []
    found = []
    last = len(lines) - len(image)
    wanted = list(image)
    for at in range(last + 1):
        if lines[at] != wanted[0] or lines[at : at + len(wanted)] != wanted:
            continue
        if hunk.leading < hunk.trailing and hunk.old_start <= 1 and at != 0:
            continue
        if at != last and (hunk.ends_file or hunk.trailing == 0 < hunk.leading):
            continue
        found.append(at)
        if len(found) > MOST:
            return []
    return found
