# SPDX-License-Identifier: MIT
"""Hunks whose place takes no weighing: they stand where they say, or in one place of the file only.

Found in the bytes, without cutting the file into lines. Of a queue most patches are of this kind; for what is not,
and for the reasons, there is `place`, whose answer this one always is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...values.hunk import Hunk

__all__ = ["straight"]


def straight(content: bytes, hunks: Sequence[Hunk]) -> tuple[bytes, list[int]] | None:
    """The content with all hunks and by how many lines each moved; None where that takes `place`.

    No fuzz is in it; a hunk without context and removed lines takes `place`.
    """
    view = memoryview(content)
    out: list[bytes | memoryview] = []
    moved: list[int] = []
    done = line = 0
    for hunk in hunks:
        wanted = b"".join(hunk.pre_image)
        if not wanted:
            return None
        # Behind a hunk that moved, the line a hunk names says nothing.
        at = None if moved and moved[-1] else _at_line(content, wanted, hunk, done, hunk.old_index - line)
        if at is None:
            at = _only_place(content, wanted, hunk, done)
        if at is None:
            return None
        line += content.count(b"\n", done, at)
        moved.append(line - hunk.old_index)
        out.append(view[done:at])
        out += hunk.post_image
        line += len(hunk.pre_image)
        done = at + len(wanted)
    out.append(view[done:])
    return b"".join(out), moved


def _at_line(content: bytes, wanted: bytes, hunk: Hunk, done: int, lines: int) -> int | None:
    """Where a hunk stands so many lines behind `done`, as it says; None where it does not."""
    at = done
    while True:
        found = content.find(wanted, at)
        if found < 0:
            return None
        lines -= content.count(b"\n", at, found)
        if lines < 0:
            return None
        at = found
        if not lines and _begins_line(content, at):
            break
        following = content.find(b"\n", at) + 1
        if not following:
            return None
        at, lines = following, lines - 1
    if at + len(wanted) != len(content) and (hunk.ends_file or hunk.trailing == 0 < hunk.leading):
        return None
    if at and hunk.leading < hunk.trailing and hunk.old_start <= 1:
        return None
    return at


def _only_place(content: bytes, wanted: bytes, hunk: Hunk, done: int) -> int | None:
    """Where a hunk stands behind `done`, if that is one place, and it stands there in no other form.

    None as well where its context ties it to an end of the file.
    """
    if hunk.ends_file or hunk.leading != hunk.trailing:
        return None
    at = content.find(wanted, done)
    if at < 0 or not _begins_line(content, at) or content.find(wanted, at + 1) >= 0:
        return None
    return None if content.find(b"".join(hunk.post_image), done) >= 0 else at


def _begins_line(content: bytes, at: int) -> bool:
    return at == 0 or content[at - 1] == 10
