# SPDX-License-Identifier: MIT
"""Trailing white space in the lines a patch adds: told, or taken out of the file."""

from __future__ import annotations

import attrs

from ...values.hunk import split_lines
from ..directory.changes import LINK, FileState
from ..text.merge import edits, is_binary

__all__ = ["WhitespaceNote", "strip_added", "trailing_whitespace"]


@attrs.frozen(kw_only=True)
class WhitespaceNote:
    """A file and the lines of it (1-based) that were added with blanks at their end."""

    path: str
    lines: tuple[int, ...]


def trailing_whitespace(path: str, old: FileState | None, new: FileState | None) -> WhitespaceNote | None:
    """The added lines of a file that end in blanks; None where there are none."""
    if new is None or new.mode == LINK:
        return None
    before = b"" if old is None else old.data
    if before == new.data or is_binary(before) or is_binary(new.data):
        return None
    lines = split_lines(new.data)
    added = [at for edit in edits(before, new.data) for at in range(edit.new_lo, edit.new_hi)]
    found = tuple(at + 1 for at in added if lines[at].rstrip(b"\r\n")[-1:] in (b" ", b"\t"))
    return WhitespaceNote(path=path, lines=found) if found else None


def strip_added(note: WhitespaceNote, new: FileState | None) -> FileState:
    """The file without the blanks at the end of these lines."""
    assert new is not None
    lines = split_lines(new.data)
    for number in note.lines:
        text = lines[number - 1]
        end = text[len(text.rstrip(b"\r\n")) :]
        lines[number - 1] = text.rstrip(b"\r\n").rstrip(b" \t") + end
    return attrs.evolve(new, data=b"".join(lines))
