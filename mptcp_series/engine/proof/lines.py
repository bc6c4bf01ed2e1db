# SPDX-License-Identifier: MIT
"""The difference of two texts, line by line, and the freedom there is in saying where it is.

Where a text repeats itself, one and the same difference can be told in several ways: of three equal lines, any may
be the new one. Who asks whose line it is must not depend on which way a differ happened to choose.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import pygit2
from pygit2.enums import DiffOption

from ...values.hunk import NO_NEWLINE
from ..text.merge import Edit

__all__ = ["Differ", "grouped", "hunk_text", "line_edits", "slides"]


class Differ(enum.Enum):
    """Ways of libgit2 to find what two texts have in common; each gives a true account of the difference."""

    ID = DiffOption.FORCE_TEXT | DiffOption.INDENT_HEURISTIC
    """Myers with the indent heuristic: the differ of hunk ids."""
    PLAIN = DiffOption.FORCE_TEXT
    """Myers, as merges use it."""
    PATIENCE = DiffOption.FORCE_TEXT | DiffOption.PATIENCE
    MINIMAL = DiffOption.FORCE_TEXT | DiffOption.MINIMAL


def line_edits(old: bytes, new: bytes, differ: Differ = Differ.ID) -> list[Edit]:
    """The changes from old to new in order, without context; half-open ranges of 0-based lines."""
    found = []
    for hunk in pygit2.Patch.create_from(old, new, flag=differ.value, context_lines=0).hunks:
        # A side of no lines starts after the line it names.
        old_lo = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        new_lo = hunk.new_start - 1 if hunk.new_lines else hunk.new_start
        found.append(Edit(old_lo, old_lo + hunk.old_lines, new_lo, new_lo + hunk.new_lines))
    return found


def slides(edit: Edit, old: Sequence[bytes], new: Sequence[bytes], low: int, high: int) -> Iterator[Edit]:
    """The same change told at every other place it can be told at, nearest first.

    Only lines that came, or only lines that went, can be told elsewhere. low, high: the lines of `old` between the
    change before and the one after: it cannot move further.
    """
    if edit.old_lo == edit.old_hi:
        text, lo, hi = new, edit.new_lo, edit.new_hi
    elif edit.new_lo == edit.new_hi:
        text, lo, hi = old, edit.old_lo, edit.old_hi
    else:
        return
    up = 0
    while edit.old_lo - up - 1 >= low and lo - up >= 1 and text[lo - up - 1] == text[hi - up - 1]:
        up += 1
        yield _moved(edit, -up)
    down = 0
    while edit.old_hi + down < high and hi + down < len(text) and text[lo + down] == text[hi + down]:
        down += 1
        yield _moved(edit, down)


def _moved(edit: Edit, by: int) -> Edit:
    return Edit(edit.old_lo + by, edit.old_hi + by, edit.new_lo + by, edit.new_hi + by)


def hunk_text(old: Sequence[bytes], new: Sequence[bytes], edits: Sequence[Edit], *, context: int = 3) -> str:
    """One hunk of a unified diff that shows some edits, and as much context as there is up to others.

    edits: in order. Lines around the first and the last are shown only as far as both texts have them. Bytes that
    are not UTF-8 come as surrogate escapes.
    """
    first, last = edits[0], edits[-1]
    before = 0
    while (
        before < min(context, first.old_lo, first.new_lo)
        and old[first.old_lo - before - 1] == new[first.new_lo - before - 1]
    ):
        before += 1
    after = 0
    while (
        after < min(context, len(old) - last.old_hi, len(new) - last.new_hi)
        and old[last.old_hi + after] == new[last.new_hi + after]
    ):
        after += 1
    body: list[bytes] = []
    at = first.old_lo - before
    for edit in edits:
        body += [b" " + line for line in old[at : edit.old_lo]]
        body += [b"-" + line for line in old[edit.old_lo : edit.old_hi]]
        body += [b"+" + line for line in new[edit.new_lo : edit.new_hi]]
        at = edit.old_hi
    body += [b" " + line for line in old[at : at + after]]
    lines = [part for line in body for part in ([line] if line.endswith(b"\n") else [line + b"\n", NO_NEWLINE])]
    spans = [
        _span(first.old_lo - before, last.old_hi + after),
        _span(first.new_lo - before, last.new_hi + after),
    ]
    return (b"@@ -%s +%s @@\n" % tuple(spans) + b"".join(lines)).decode("utf-8", "surrogateescape")


def _span(low: int, high: int) -> bytes:
    """As diff(1) writes it: of no lines, the line before them."""
    start = low + 1 if high > low else low
    return b"%d" % start if high - low == 1 else b"%d,%d" % (start, high - low)


def grouped(edits: Sequence[Edit], apart: int = 6) -> Iterator[list[Edit]]:
    """Edits that one hunk of a unified diff holds together: at most `apart` lines between them."""
    group: list[Edit] = []
    for edit in edits:
        if group and edit.old_lo - group[-1].old_hi > apart:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group
