# SPDX-License-Identifier: MIT
"""What changed under an override that no longer fits: what it was written for beside what is there now.

Text for people, in two columns of which the left is the override's. Nothing is decided here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ...values.hunk import Hunk, split_lines
from ...values.patch import FileChange
from ...values.remembered import visible
from ...values.result import Fate
from ..text.nearest import nearest_lines, nearest_text
from ..text.place import place

__all__ = ["diff_detail", "hunk_detail", "two_columns"]

WIDEST = 60
"""Columns of one side; longer lines go on in the next row."""
_LARGEST = 200
"""Changed lines of a hunk that are compared; similarity takes time by the square."""


def two_columns(left: Sequence[str], right: Sequence[str], titles: tuple[str, str]) -> str:
    """Lines side by side, those that differ marked `|`, those of one side only `<` and `>` (as sdiff has them)."""
    sides = [[line.expandtabs(8) for line in side] for side in (left, right)]
    width = min(WIDEST, max(map(len, [titles[0], *sides[0]])))
    rows = [*_row(titles[0], " ", titles[1], width), *_row("-" * len(titles[0]), " ", "-" * len(titles[1]), width)]
    plain = [[_bare(line) for line in side] for side in sides]
    for tag, low, high, other_low, other_high in difflib.SequenceMatcher(
        a=plain[0], b=plain[1], autojunk=False
    ).get_opcodes():
        for at in range(max(high - low, other_high - other_low)):
            mine = sides[0][low + at] if low + at < high else None
            other = sides[1][other_low + at] if other_low + at < other_high else None
            mark = " " if tag == "equal" else "<" if other is None else ">" if mine is None else "|"
            rows += _row(mine or "", mark, other or "", width)
    return "\n".join(rows)


def _row(left: str, mark: str, right: str, width: int) -> list[str]:
    """One line of each side, in as many rows as it takes."""
    pieces = [
        [text[at : at + wide] for at in range(0, len(text), wide)] or [""]
        for text, wide in ((left, width), (right, WIDEST))
    ]
    rows = []
    for at in range(max(map(len, pieces))):
        mine, other = (side[at] if at < len(side) else "" for side in pieces)
        rows.append(f"{mine:<{width}} {mark if at == 0 else ' '} {other}".rstrip())
    return rows


def _bare(line: str) -> str:
    """A line without its number: the same text elsewhere is the same."""
    number, bar, text = line.partition(": ")
    return text if bar and number.strip().isdigit() else line


def changed_lines(hunk: Hunk) -> list[str]:
    return [visible(line) for line in hunk.lines if line[:1] in (b"+", b"-")]


def hunk_detail(remembered: Sequence[str], ids: Sequence[str], hunks: Sequence[Hunk]) -> str | None:
    """A dropped hunk that is gone beside the nearest one the patch has now.

    remembered: its removed and added lines, as the override's comments tell them; without them there is nothing to
    show.
    """
    if not remembered:
        return None
    now = [changed_lines(hunk)[:_LARGEST] for hunk in hunks]
    found = nearest_text(remembered[:_LARGEST], now)
    if found is None:
        return two_columns(remembered, ["(the patch has nothing like it there)"], ("dropped hunk", "now"))
    return two_columns(remembered, now[found], ("dropped hunk", f"nearest hunk now: {ids[found]}"))


def diff_detail(content: bytes, file: FileChange) -> str | None:
    """The pre-image of every hunk of an override's diff that has no place, beside the lines that come nearest."""
    lines = split_lines(content)
    shown = []
    for hunk, placed in zip(file.hunks, place(content, file.hunks).hunks, strict=True):
        if placed.fate is not Fate.CONFLICT or not hunk.pre_image:
            continue
        low, high = nearest_lines(lines, hunk.pre_image, hunk.old_index)
        if low == high:
            shown.append(
                two_columns(_numbered(hunk.pre_image, hunk.old_index), ["(nothing like it)"], ("wanted", "now"))
            )
            continue
        titles = (f"wanted in {file.path}", f"closest now, at line {low + 1}")
        shown.append(two_columns(_numbered(hunk.pre_image, hunk.old_index), _numbered(lines[low:high], low), titles))
    return "\n\n".join(shown) or None


def _numbered(lines: Sequence[bytes], start: int) -> list[str]:
    return [f"{start + at + 1:>5}: {visible(line)}" for at, line in enumerate(lines)]
