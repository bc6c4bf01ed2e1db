# SPDX-License-Identifier: MIT
"""What the order of a file's hunks says of their places: none may stand where those behind it have no room left.

Hunks stand in the order of the patch and do not overlap. Of each hunk the latest place is found from the end of the
file backwards; a hunk whose place is known up to the hunk before it can go to a place if and only if it ends where
the latest place of the next one begins, at the latest: all those behind it can then be put at their latest places, and
if it ends later there is no way to put them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ...values.hunk import Hunk
from .search import Cut, Text

__all__ = ["Order", "nearest"]


class Order:
    """The room that hunks leave for those before them."""

    def __init__(self, text: Text, hunks: Sequence[Hunk]) -> None:
        self._text = text
        self._hunks = hunks

    def end(self, number: int) -> int:
        """The line a hunk must end at, at the latest, so that those behind it can stand too, applied or present."""
        return self._latest[number + 1]

    @cached_property
    def _latest(self) -> Sequence[int]:
        latest = [len(self._text.lines)] * (len(self._hunks) + 1)
        for number in range(len(self._hunks) - 1, -1, -1):
            hunk, end = self._hunks[number], latest[number + 1]
            applied = self._last(hunk, hunk.pre_image, 0, end)
            # It matters only behind the other one; to look no further keeps the way back one walk of the file.
            present = self._last(hunk, hunk.post_image, 0 if applied is None else applied + 1, end)
            # One that stands nowhere with all its context takes no room from the others, as far as is known.
            latest[number] = next((start for start in (present, applied) if start is not None), end)
        return latest

    def _last(self, hunk: Hunk, image: Sequence[bytes], low: int, end: int) -> int | None:
        cut, high = Cut(hunk=hunk, fuzz=0), end - len(image)
        # Forwards first: backwards takes the product of both lengths where there is nothing to be found.
        first = self._text.first(image, cut, low) if low == 0 else low
        return None if first is None or first > high else self._text.last(image, cut, first, high)


def nearest(text: Text, cut: Cut, at: int, guesses: Iterable[int]) -> bool:
    """Whether every other place of a hunk is further from each line at which a tool looks for it first.

    Tools take what is nearest to that line, so that none of them can take another place.
    """
    for guess in guesses:
        away = abs(at - guess)
        first = text.first(cut.pre_image, cut, max(0, guess - away))
        following = text.first(cut.pre_image, cut, at + 1)
        if first != at or (following is not None and following <= guess + away):
            return False
    return True
