# SPDX-License-Identifier: MIT
"""Hunks of a unified diff, and the ids by which overrides name them.

A hunk keeps its body lines as written: any bytes, CR, missing final newline. It knows nothing of
files or placement. A hunk whose body does not have the counts its header promises is refused.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import repeat

import attrs

__all__ = ["HUNK_ID_LENGTH", "Hunk", "HunkMismatch", "hunk_ids", "parse_hunk_header", "split_lines"]

HUNK_ID_LENGTH = 12
NO_NEWLINE = b"\\ No newline at end of file\n"

_HEADER = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)", re.DOTALL)


class HunkMismatch(ValueError):
    """The body of a hunk is not what its header promises, or not one a file can have; the message says how."""


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their newline; only LF ends a line, the last one may lack it.

    >>> split_lines(b"a\\r\\nb")
    [b'a\\r\\n', b'b']
    """
    return io.BytesIO(data).readlines()


def parse_hunk_header(line: bytes) -> tuple[int, int, int, int, bytes] | None:
    """(old start, old count, new start, new count, rest of the line), or None if it is no hunk header.

    >>> parse_hunk_header(b"@@ -3 +4,2 @@ int f(void)\\n")
    (3, 1, 4, 2, b' int f(void)\\n')
    """
    match = _HEADER.match(line)
    if match is None:
        return None
    old_start, old_count, new_start, new_count, section = match.groups()
    return (
        int(old_start),
        1 if old_count is None else int(old_count),
        int(new_start),
        1 if new_count is None else int(new_count),
        section,
    )


def _images(lines: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The lines of both sides of a hunk, old and new, as files have them."""
    if {line[:1] for line in lines} <= _COLUMNS and all(map(bytes.endswith, lines, repeat(b"\n"))):
        return [line[1:] for line in lines if line[0] != _ADDED], [line[1:] for line in lines if line[0] != _REMOVED]
    return _image(lines, b"+"), _image(lines, b"-")


_COLUMNS = frozenset((b" ", b"+", b"-"))
_ADDED, _REMOVED = b"+-"


def _image(lines: Iterable[bytes], leave_out: bytes) -> list[bytes]:
    """The lines of one side, without their first column; a no-newline marker takes the newline away."""
    image: list[bytes] = []
    kept = False
    for line in lines:
        column = line[:1]
        if column == b"\\":
            if kept:
                image[-1] = image[-1].removesuffix(b"\n")
            continue
        kept = column != leave_out
        if kept:
            # GNU patch and git read an entirely empty line as an empty context line.
            text = line[1:] if column and column in b" +-" else line
            # Only a marker takes a newline away: a patch file that lost its own last one does not (GNU patch).
            image.append(text if text.endswith(b"\n") else text + b"\n")
    return image


@attrs.frozen(kw_only=True, slots=False)
class Hunk:
    """One hunk: where it says it belongs, and its body."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes = b"\n"
    """Rest of the header line after the second `@@`, newline included."""
    lines: tuple[bytes, ...]
    """Body lines as written, each with its first column and newline, markers included."""

    def __attrs_post_init__(self) -> None:
        old, new = self._sides
        if len(old) != self.old_count or len(new) != self.new_count:
            raise HunkMismatch(
                f"the hunk header promises {self.old_count} old and {self.new_count} new lines, "
                f"the body has {len(old)} and {len(new)}"
            )
        if self.lines and self.lines[0].startswith(b"\\"):
            raise HunkMismatch("a no-newline marker stands before the first line of the hunk")
        if not any(line.startswith((b"+", b"-")) for line in self.lines):
            raise HunkMismatch("the hunk changes nothing: it has no added and no removed line")
        if any(not all(map(bytes.endswith, image[:-1], repeat(b"\n"))) for image in (old, new)):
            raise HunkMismatch("a line without newline is followed by another one: only the last of a file can lack it")

    @cached_property
    def _sides(self) -> tuple[list[bytes], list[bytes]]:
        return _images(self.lines)

    @property
    def pre_image(self) -> list[bytes]:
        """Context and removed lines, as a file has them."""
        return self._sides[0]

    @property
    def post_image(self) -> list[bytes]:
        """Context and added lines, as a file has them."""
        return self._sides[1]

    @cached_property
    def id(self) -> str:
        """First 12 hex digits of the SHA-256 of the body lines, without the `@@` line."""
        return hashlib.sha256(b"".join(self.lines)).hexdigest()[:HUNK_ID_LENGTH]

    @cached_property
    def ends_file(self) -> bool:
        """Whether a side's last line lacks its newline, so that nothing can follow the hunk."""
        return any(not image[-1].endswith(b"\n") for image in (self.pre_image, self.post_image) if image)

    @cached_property
    def leading(self) -> int:
        """Number of context lines before the first change."""
        return _context(self.lines)

    @cached_property
    def trailing(self) -> int:
        """Number of context lines after the last change."""
        return _context([line for line in reversed(self.lines) if line[:1] != b"\\"])

    @property
    def old_index(self) -> int:
        """0-based index of the first pre-image line in the file the diff was made from.

        A pre-image of no lines stands after line `old_start` (POSIX diff).
        """
        return self.old_start - 1 if self.old_count else self.old_start

    @property
    def new_index(self) -> int:
        """0-based index of the first post-image line in the file the diff leads to."""
        return self.new_start - 1 if self.new_count else self.new_start

    def header(self) -> bytes:
        return b"@@ -%s +%s @@%s" % (
            _span(self.old_start, self.old_count),
            _span(self.new_start, self.new_count),
            self.section,
        )

    def render(self) -> bytes:
        return self.header() + b"".join(self.lines)

    def reversed(self) -> Hunk:
        """The hunk that undoes this one, as `patch -R` reads it."""
        swap = {b"+": b"-", b"-": b"+"}
        return Hunk(
            old_start=self.new_start,
            old_count=self.new_count,
            new_start=self.old_start,
            new_count=self.old_count,
            section=self.section,
            lines=tuple(swap.get(line[:1], line[:1]) + line[1:] for line in self.lines),
        )

    def without_carriage_returns(self) -> Hunk:
        """The hunk with LF where its lines end in CR LF, as GNU patch reads a patch that was converted."""
        return attrs.evolve(
            self,
            section=_unix(self.section),
            lines=tuple(map(_unix, self.lines)),
        )


def _context(lines: Sequence[bytes]) -> int:
    for count, line in enumerate(lines):
        if line[:1] in (b"+", b"-"):
            return count
    return len(lines)


def _unix(line: bytes) -> bytes:
    return line[:-2] + b"\n" if line.endswith(b"\r\n") else line


def _span(start: int, count: int) -> bytes:
    return b"%d" % start if count == 1 else b"%d,%d" % (start, count)


def hunk_ids(hunks: Sequence[Hunk]) -> list[str]:
    """The ids of one file's hunks; a second hunk of the same body is `id.2`, a third `id.3`."""
    seen: Counter[str] = Counter()
    ids = []
    for hunk in hunks:
        seen[hunk.id] += 1
        ids.append(hunk.id if seen[hunk.id] == 1 else f"{hunk.id}.{seen[hunk.id]}")
    return ids
