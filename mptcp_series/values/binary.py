# SPDX-License-Identifier: MIT
"""The blocks of a `GIT binary patch`: base 85 over deflate, each with the size it must come to.

The first block leads from the old file to the new one, the second back; each is the whole content (`literal`) or a
`delta`. A garbled or cut block is found when the patch is read, not when it is applied. `Binary files differ` has no
blocks.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Sequence

from .delta import GarbledDelta, apply_delta, check_delta
from .hunk import split_lines

__all__ = ["GarbledBinary", "literal", "new_content", "read_blocks"]

_START = re.compile(rb"(literal|delta) (\d{1,12})\r?\n")
_CHUNK = 1 << 20


class GarbledBinary(ValueError):
    """A block that is cut off or damaged. `at`: index of the line that shows it."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at


def read_blocks(lines: Sequence[bytes], index: int) -> int:
    """Check the one or two blocks that start at a line; the index of the line after them.

    Raises GarbledBinary for a block that is cut off, not base 85, or not of the size it names.
    """
    blocks = 0
    while blocks < 2 and index < len(lines) and (start := _START.fullmatch(lines[index])):
        first = index
        index += 1
        parts: list[bytes] = []
        while index < len(lines) and lines[index].strip():
            parts.append(_decoded(lines[index], index))
            index += 1
        if index >= len(lines):
            raise GarbledBinary(first, "binary patch ends in the middle of a block")
        data = _inflated(b"".join(parts), int(start[2]), keep=start[1] == b"delta")
        if data is None:
            raise GarbledBinary(
                first, f"binary block is garbled: it does not come to the {int(start[2])} bytes it names"
            )
        if start[1] == b"delta":
            try:
                check_delta(data)
            except GarbledDelta as error:
                raise GarbledBinary(first, f"binary block is garbled: {error}") from None
        blocks += 1
        index += 1
    if not blocks:
        raise GarbledBinary(index - 1, "binary patch without a `literal` or `delta` block")
    return index


def new_content(section: bytes, old: bytes | None, *, reverse: bool = False) -> bytes | None:
    """The content a `GIT binary patch` section leads to.

    old: the file it is for; None where it is not at hand, and then only a literal block has an answer.
    reverse: take the second block, which leads back.
    None where there is no such block, or where the delta is for another file than `old`.
    """
    blocks = list(_blocks(section))
    at = 1 if reverse else 0
    if at >= len(blocks):
        return None
    kind, data = blocks[at]
    if kind == b"literal":
        return data
    try:
        return None if old is None else apply_delta(data, old)
    except GarbledDelta:
        return None


def literal(section: bytes) -> bytes | None:
    """The new content a `GIT binary patch` section holds whole, None if it holds a delta or nothing."""
    return new_content(section, None)


def _blocks(section: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of each block of a section that was read before."""
    lines = split_lines(section)
    index = 1
    while index < len(lines) and (start := _START.fullmatch(lines[index])):
        parts = []
        index += 1
        while index < len(lines) and lines[index].strip():
            parts.append(_decoded(lines[index], index))
            index += 1
        yield start[1], zlib.decompress(b"".join(parts))
        index += 1


def _decoded(line: bytes, at: int) -> bytes:
    """The bytes of one line: a length (A-Z for 1 to 26, a-z for 27 to 52), then base 85 in fives."""
    text = line.rstrip(b"\r\n")
    column = text[0]
    length = column - 64 if 65 <= column <= 90 else column - 70 if 97 <= column <= 122 else 0
    if not length or len(text) != 1 + (length + 3) // 4 * 5:
        raise GarbledBinary(at, "a line of binary data that is cut off or garbled")
    try:
        return base64.b85decode(text[1:])[:length]
    except ValueError:
        raise GarbledBinary(at, "a line of binary data that is cut off or garbled") from None


def _inflated(data: bytes, size: int, *, keep: bool) -> bytes | None:
    """The data unpacked, if it comes to exactly so many bytes; a block that would come to more is not unpacked further.

    keep: whether the content is wanted; without it the answer is an empty one.
    """
    inflater = zlib.decompressobj()
    left = size
    parts = []
    try:
        while not inflater.eof:
            chunk = inflater.decompress(data, _CHUNK)
            left -= len(chunk)
            data = inflater.unconsumed_tail
            if left < 0 or not (chunk or data or inflater.eof):
                return None
            if keep:
                parts.append(chunk)
    except zlib.error:
        return None
    return b"".join(parts) if left == 0 else None
