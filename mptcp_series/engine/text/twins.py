# SPDX-License-Identifier: MIT
"""Hunks of one file that have the same text, and so fit in the same places: twins.

A patch that makes one change in three places of a file has three hunks of the same lines. Each of them fits equally
in all three places, and still there is only one way to put all of them.

The rule: twins go to their places, in order, where these are all the places of the file that fit, so that there is
one way to fill them. It holds whatever the other hunks of the patch do: each tool that puts every hunk comes to
the same file, in whatever order it takes them.

What counts as a way is the widest of what a tool would do. GNU patch lets the context after a change be that before
the next change, too, and git reaches back before the hunks that were placed already.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from ...values.hunk import Hunk
from .search import Cut, Text

__all__ = ["Twins", "only_filling"]

_Key = tuple[tuple[bytes, ...], bool]


class Twins:
    """The twins among the hunks of one file, and where they go."""

    def __init__(self, text: Text, hunks: Sequence[Hunk]) -> None:
        self._text = text
        self._hunks = hunks
        self._groups: dict[_Key, list[int]] = {}
        self._tried: set[tuple[int, int]] = set()
        self._places: dict[int, tuple[Cut, int]] = {}

    def place_of(self, number: int) -> tuple[Cut, int] | None:
        """The line of a hunk, if `fill` found it: how much of the hunk stands there, and where that begins."""
        return self._places.get(number)

    def of(self, number: int) -> Sequence[int]:
        """The hunks of the same text as this one, itself too."""
        if not self._groups:
            groups: dict[_Key, list[int]] = defaultdict(list)
            for at, hunk in enumerate(self._hunks):
                groups[_key(hunk)].append(at)
            self._groups = dict(groups)
        return self._groups[_key(self._hunks[number])]

    def fill(self, number: int, cut: Cut, changed: int, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether a hunk and its twins behind it fill the places that fit in one way; they are placed, then.

        changed: the lines up to the last change so far; after them comes the context of the hunk that made it.
        spans: the lines [low, high) of each hunk that stands, in order.
        """
        group = self.of(number)
        if len(group) == 1 or (group[0], cut.fuzz) in self._tried:
            return False
        # Once is enough: where it fails the first of them has no place, and nothing is concluded any more.
        self._tried.add((group[0], cut.fuzz))
        behind = group[bisect_left(group, number) :]
        if self._fits_before(cut, changed, spans):
            return False
        lines = only_filling(self._text, cut, len(behind), changed)
        if lines is None:
            return False
        for twin, at in zip(behind, lines, strict=True):
            self._places[twin] = Cut(hunk=self._hunks[twin], fuzz=cut.fuzz), at
        return True

    def _fits_before(self, cut: Cut, changed: int, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether a place that fits was passed by."""
        image = cut.pre_image
        ends = [high for _, high in spans]
        at = self._text.first(image, cut, 0)
        while at is not None and at < changed:
            span = bisect_left(ends, at + 1)
            if span == len(ends) or spans[span][0] >= at + len(image):
                return True
            at = self._text.first(image, cut, at + 1)
        return False


def only_filling(text: Text, cut: Cut, count: int, low: int) -> list[int] | None:
    """The lines of so many hunks of the same text, from line `low` on, where there is one way to put them; else None.

    Each as early as those before it let it, and each as late as those behind it let it: every way to put them has
    each hunk between these two, and each of the two is a way. So there is one way if and only if they are the same.

    >>> lines = (b" a\\n", b"-b\\n", b"+B\\n", b" c\\n")
    >>> hunk = Hunk(old_start=9, old_count=3, new_start=9, new_count=3, lines=lines)
    >>> only_filling(Text(b"a\\nb\\nc\\n" * 2), Cut(hunk=hunk, fuzz=0), 2, 0)
    [0, 3]
    >>> only_filling(Text(b"a\\nb\\nc\\n" * 3), Cut(hunk=hunk, fuzz=0), 2, 0)
    """
    image = cut.pre_image
    # GNU patch: the next hunk, with all its context, after the change of this one, but not after its context.
    step = len(image) - cut.trailing + cut.skipped
    earliest: list[int] = []
    at = low + cut.skipped
    for _ in range(count):
        found = text.first(image, cut, at)
        if found is None:
            return None
        earliest.append(found)
        at = found + step
    high = len(text.lines)
    for line in reversed(earliest):
        if text.last(image, cut, line, high) != line:
            return None
        high = line - step
    # One way by GNU patch is none by git, where they share context.
    shared = any(nearer + len(image) > further - cut.skipped for nearer, further in pairwise(earliest))
    return None if shared else earliest


def _key(hunk: Hunk) -> _Key:
    """What makes twins: the text, and where its context is cut short whether it says to be of line 1 (`may_stand`)."""
    return hunk.lines, hunk.old_start <= 1 and hunk.leading != hunk.trailing
