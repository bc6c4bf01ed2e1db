# SPDX-License-Identifier: MIT
"""Hunks in the form of `diff -c` (POSIX diff, "context output format"): read as hunks, and hunks written so.

The old lines stand first, the new ones behind them, `!` before what changed on both sides; a side without changes of
its own is left out. Both sides must have the same context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from .hunk import Hunk, HunkMismatch

__all__ = ["STARS", "opens_context_file", "read_context_hunk", "write_context_hunk"]

STARS = b"*" * 15
"""What a hunk begins with."""

_OLD = re.compile(rb"\*\*\* (\d{1,9})(?:,(\d{1,9}))? \*\*\*\*\s*$")
_NEW = re.compile(rb"--- (\d{1,9})(?:,(\d{1,9}))? ----\s*$")


@attrs.frozen
class _Line:
    mark: bytes
    text: bytes
    ended: bool = True

    def unified(self, column: bytes) -> list[bytes]:
        return [column + self.text] + ([] if self.ended else [b"\\ No newline at end of file\n"])


def opens_context_file(lines: Sequence[bytes], index: int) -> bool:
    """Whether a file of a context diff begins at a line."""
    return (
        lines[index].startswith(b"*** ")
        and index + 2 < len(lines)
        and lines[index + 1].startswith(b"--- ")
        and lines[index + 2].startswith(STARS)
    )


def read_context_hunk(lines: Sequence[bytes], index: int) -> tuple[Hunk, int]:
    """The hunk that begins at a line of stars, and the index of the line after it. Raises HunkMismatch.

    >>> text = b"***************\\n*** 1,2 ****\\n  a\\n! b\\n--- 1,2 ----\\n  a\\n! B\\n"
    >>> hunk, _ = read_context_hunk(text.splitlines(keepends=True), 0)
    >>> hunk.render()
    b'@@ -1,2 +1,2 @@\\n a\\n-b\\n+B\\n'
    """
    section = lines[index][len(STARS) :]
    old_range, old, index = _side(lines, index + 1, _OLD, (b"  ", b"- ", b"! "))
    new_range, new, index = _side(lines, index, _NEW, (b"  ", b"+ ", b"! "))
    if not old:
        old = [line for line in new if line.mark == b"  "]
    elif not new:
        new = [line for line in old if line.mark == b"  "]
    hunk = Hunk(
        old_start=old_range[0],
        old_count=_count(old_range, old),
        new_start=new_range[0],
        new_count=_count(new_range, new),
        section=section,
        lines=tuple(_joined(old, new)),
    )
    return hunk, index


def _side(
    lines: Sequence[bytes], index: int, header: re.Pattern[bytes], marks: tuple[bytes, ...]
) -> tuple[tuple[int, int | None], list[_Line], int]:
    """The range of one side, its lines (none where it is left out), and the index after them."""
    match = header.match(lines[index]) if index < len(lines) else None
    if match is None:
        wanted = "*** start,end ****" if header is _OLD else "--- start,end ----"
        raise HunkMismatch(f"line {index + 1}: `{wanted}` of a context diff expected")
    first, last = int(match[1]), None if match[2] is None else int(match[2])
    room = 1 if last is None else last - first + 1
    found: list[_Line] = []
    index += 1
    while index < len(lines):
        line = lines[index]
        if line.startswith(b"\\") and found and found[-1].ended:
            found[-1] = attrs.evolve(found[-1], ended=False)
        elif len(found) < room and line[:2] in marks:
            found.append(_Line(line[:2], line[2:]))
        elif 0 < len(found) < room and line in (b"\n", b"\r\n"):
            # An empty line of context whose blanks an editor took away.
            found.append(_Line(b"  ", line))
        else:
            break
        index += 1
    return (first, last), found, index


def _count(numbers: tuple[int, int | None], lines: Sequence[_Line]) -> int:
    """How many lines a range promises; a single number is one line, or the one before none."""
    first, last = numbers
    if last is not None:
        return last - first + 1
    return 0 if first == 0 or not lines else 1


def _joined(old: Sequence[_Line], new: Sequence[_Line]) -> Iterable[bytes]:
    """The body of the unified hunk. Raises HunkMismatch where the sides have different context."""
    left, right = 0, 0
    while left < len(old) or right < len(new):
        if left < len(old) and old[left].mark != b"  ":
            yield from old[left].unified(b"-")
            left += 1
        elif right < len(new) and new[right].mark != b"  ":
            yield from new[right].unified(b"+")
            right += 1
        elif left < len(old) and right < len(new) and old[left] == new[right]:
            yield from old[left].unified(b" ")
            left, right = left + 1, right + 1
        else:
            raise HunkMismatch("the two sides of the context diff do not have the same context")


def write_context_hunk(hunk: Hunk) -> bytes:
    """The hunk as `diff -c` has it.

    >>> lines = (b" a\\n", b"-b\\n", b"+B\\n")
    >>> hunk = Hunk(old_start=1, old_count=2, new_start=1, new_count=2, lines=lines)
    >>> print(write_context_hunk(hunk).decode(), end="")
    ***************
    *** 1,2 ****
      a
    ! b
    --- 1,2 ----
      a
    ! B
    """
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    changed = [False, False]
    for group in _groups(hunk.lines):
        columns = {line[:1] for line in group} - {b"\\"}
        mark = b"! " if len(columns) > 1 else {b" ": b"  "}.get(group[0][:1], group[0][:1] + b" ")
        into: tuple[int, ...] = (0, 1)
        for line in group:
            if line[:1] == b"\\":
                text = line
            else:
                into = {b"-": (0,), b"+": (1,)}.get(line[:1], (0, 1))
                text = mark + (line[1:] if line[:1] in (b" ", b"-", b"+") else line)
            for side in into:
                sides[side].append(text)
                changed[side] = changed[side] or len(into) == 1
    ranges = (_range(hunk.old_start, hunk.old_count), _range(hunk.new_start, hunk.new_count))
    return b"".join(
        [
            STARS + hunk.section,
            b"*** %s ****\n" % ranges[0],
            *(sides[0] if changed[0] else ()),
            b"--- %s ----\n" % ranges[1],
            *(sides[1] if changed[1] else ()),
        ]
    )


def _groups(lines: Iterable[bytes]) -> list[list[bytes]]:
    """Runs of changed lines, and lines of context each by itself; markers with the line before them."""
    found: list[list[bytes]] = []
    inside = False
    for line in lines:
        if line[:1] == b"\\" and found:
            found[-1].append(line)
            continue
        changes = line[:1] in (b"-", b"+")
        if changes and inside:
            found[-1].append(line)
        else:
            found.append([line])
        inside = changes
    return found


def _range(start: int, count: int) -> bytes:
    return b"%d" % start if count < 2 else b"%d,%d" % (start, start + count - 1)
