# SPDX-License-Identifier: MIT
"""Where lines that stand nowhere exactly would most likely belong: for people to look at, never to patch there.

Two questions: which lines of a file are the nearest to the pre-image of a hunk, and which hunk is the nearest to one
that is gone. Placement itself knows no nearness; GNU patch's fuzz is what this package refuses.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence

__all__ = ["nearest_lines", "nearest_text"]

_WEIGHT = 40
"""A line counts by its length up to this: a closing brace says little about the place."""
_MANY = 50
"""A line that stands in a file more often than this says nothing about the place."""
_SLACK = 3
_LEAST = 0.3


def nearest_lines(
    lines: Sequence[bytes], image: Sequence[bytes], stated: int, low: int = 0, high: int | None = None
) -> tuple[int, int]:
    """The half-open range of `lines` most like `image`, within [low, high); near `stated` where nothing is alike.

    Every line of the image that the file has votes for the place the whole image would have by it.
    """
    high = len(lines) if high is None else high
    votes = _votes(lines, image, low, high)
    if not votes:
        start = min(max(stated, low), high)
        return start, start
    start = max(votes, key=lambda at: (votes[at], -abs(at - stated)))
    return _fitted(lines, image, max(low, start - len(image)), min(high, start + 2 * len(image) + _SLACK))


def _votes(lines: Sequence[bytes], image: Sequence[bytes], low: int, high: int) -> dict[int, int]:
    places: dict[bytes, list[int]] = defaultdict(list)
    wanted = {line.strip() for line in image}
    for at in range(low, high):
        text = lines[at].strip()
        if text in wanted:
            places[text].append(at)
    exact: dict[int, int] = defaultdict(int)
    for number, line in enumerate(image):
        text = line.strip()
        if text and len(places[text]) <= _MANY:
            for at in places[text]:
                exact[at - number] += min(len(text), _WEIGHT)
    # Some lines between may have come or gone: neighbours vote along.
    return {
        start: 2 * votes + sum(exact.get(start + by, 0) for by in range(-_SLACK, _SLACK + 1))
        for start, votes in list(exact.items())
    }


def _fitted(lines: Sequence[bytes], image: Sequence[bytes], low: int, high: int) -> tuple[int, int]:
    """The part of a window that the image stands for, its unlike head and tail included."""
    window = lines[low:high]
    blocks = difflib.SequenceMatcher(a=list(image), b=window, autojunk=False).get_matching_blocks()[:-1]
    blocks = [block for block in blocks if any(line.strip() for line in image[block.a : block.a + block.size])]
    if not blocks:
        return low, min(high, low + len(image))
    first, last = blocks[0], blocks[-1]
    start = max(0, first.b - first.a)
    end = min(len(window), last.b + last.size + len(image) - last.a - last.size)
    return low + start, low + end


def nearest_text(wanted: Sequence[str], candidates: Iterable[Sequence[str]]) -> int | None:
    """Index of the candidate most like the wanted lines, None where none is alike at all."""
    best: tuple[float, int] = (_LEAST, -1)
    text = "\n".join(wanted)
    for number, candidate in enumerate(candidates):
        score = difflib.SequenceMatcher(a=text, b="\n".join(candidate), autojunk=False).ratio()
        if score > best[0]:
            best = (score, number)
    return best[1] if best[1] >= 0 else None
