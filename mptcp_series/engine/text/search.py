# SPDX-License-Identifier: MIT
"""Where the lines of a hunk stand in a file, with all of its context or less.

Searched as bytes: comparing lists of lines at every line is too slow on repetitive files. Nothing is decided here;
`place` and `twins` do that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice

import attrs

from ...values.hunk import Hunk, split_lines

__all__ = ["SHOWN", "Cut", "Text"]

SHOWN = 1000
"""Places a message lists at most: all of them, but for files made to drown whoever reads it."""

_REMEMBERED = 16
"""Lists of places that are kept: a patch made to take long asks for the same ones again and again."""


@attrs.frozen(kw_only=True)
class Cut:
    """A hunk without the outermost lines of its context: GNU patch's fuzz (its `locate_hunk`).

    The longer end of the context loses `fuzz` lines; the shorter one only what it has more than the rest of that.
    """

    hunk: Hunk
    fuzz: int

    @property
    def _prefix(self) -> int:
        return self.fuzz + self.hunk.leading - max(self.hunk.leading, self.hunk.trailing)

    @property
    def _suffix(self) -> int:
        return self.fuzz + self.hunk.trailing - max(self.hunk.leading, self.hunk.trailing)

    @property
    def skipped(self) -> int:
        """Lines left out at the start."""
        return max(0, self._prefix)

    @property
    def trailing(self) -> int:
        """Context lines after the change that are left."""
        return self.hunk.trailing - max(0, self._suffix)

    @property
    def pre_image(self) -> list[bytes]:
        return self._cut(self.hunk.pre_image)

    @property
    def post_image(self) -> list[bytes]:
        return self._cut(self.hunk.post_image)

    def _cut(self, image: list[bytes]) -> list[bytes]:
        return image[self.skipped : len(image) - max(0, self._suffix)]

    def may_stand(self, at: int, end: int, length: int) -> bool:
        """Whether a file of so many lines may have the hunk there: context that is cut short tells of its ends.

        To GNU patch less context before the change than after it says that this is the start of the file, and less
        after it that this is the end; to git apply the first line says the one, and no context after it the other.
        What one of them takes is taken; git apply knows no fuzz.
        """
        # A side without final newline is the end of a file; elsewhere its last line would run into the next.
        if self.hunk.ends_file and self._suffix <= 0 and end != length:
            return False
        gnu = (self._prefix >= 0 or at == 0) and (self._suffix >= 0 or end == length)
        if gnu or self.fuzz:
            return gnu
        return (self.hunk.old_start > 1 or at == 0) and (self.hunk.trailing > 0 or end == length)

    @property
    def anywhere(self) -> bool:
        """Whether a file may have the hunk in its midst."""
        return self.may_stand(1, 2, 3)


class Text:
    """A file's content. Lines are 0-based; an image of no lines stands nowhere."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.lines = split_lines(content)
        self._starts = list(accumulate(map(len, self.lines), initial=0))
        self._found: dict[tuple[bytes, int], Sequence[int]] = {}

    def stands(self, image: Sequence[bytes], at: int, cut: Cut) -> bool:
        """Whether an image stands at a line."""
        end = at + len(image)
        if at < 0 or end > len(self.lines) or not image:
            return False
        return cut.may_stand(at, end, len(self.lines)) and self.lines[at:end] == image

    def first(self, image: Sequence[bytes], cut: Cut, low: int) -> int | None:
        """The first line, from `low` on, at which an image stands."""
        return next(self._from(image, cut, low), None)

    def last(self, image: Sequence[bytes], cut: Cut, low: int, high: int) -> int | None:
        """The last line, from `low` to `high`, at which an image stands."""
        if not cut.anywhere:
            return next((at for at in reversed(self._ends(image, cut)) if low <= at <= high), None)
        high = min(high, len(self.lines) - len(image))
        if high < low or not self._has(image):
            return None
        wanted = b"".join(image)
        at = self.content.rfind(b"\n" + wanted, max(0, self._starts[low] - 1), self._starts[high + len(image)])
        if at >= 0:
            return bisect_left(self._starts, at + 1)
        return 0 if low == 0 and self.content.startswith(wanted) else None

    def places(self, image: Sequence[bytes], cut: Cut, low: int) -> Sequence[int]:
        """The lines, from `low` on, at which an image stands; one more than are shown at most."""
        if not cut.anywhere or not self._has(image):
            return list(self._from(image, cut, low))
        key = b"".join(image), low
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = list(islice(self._from(image, cut, low), SHOWN + 1))
        return self._found[key]

    def _from(self, image: Sequence[bytes], cut: Cut, low: int) -> Iterator[int]:
        if not cut.anywhere:
            yield from (at for at in self._ends(image, cut) if at >= low)
            return
        if low + len(image) > len(self.lines) or not self._has(image):
            return
        wanted = b"".join(image)
        if low == 0 and self.content.startswith(wanted):
            yield 0
        # With the end of the line before it, so that nothing is found in the midst of a line.
        wanted = b"\n" + wanted
        at = self.content.find(wanted, max(0, self._starts[low] - 1))
        while at >= 0:
            yield bisect_left(self._starts, at + 1)
            at = self.content.find(wanted, at + 1)

    def _has(self, image: Sequence[bytes]) -> bool:
        """Whether the lines of an image are in the file at all: most that stand nowhere have one that is not."""
        return bool(image) and self._known.issuperset(image)

    @cached_property
    def _known(self) -> frozenset[bytes]:
        return frozenset(self.lines)

    def _ends(self, image: Sequence[bytes], cut: Cut) -> list[int]:
        """The start and the end of the file, where an image stands there: no other place is left to some hunks."""
        at_end = len(self.lines) - len(image)
        return [at for at in sorted({0, at_end}) if self.stands(image, at, cut)]
