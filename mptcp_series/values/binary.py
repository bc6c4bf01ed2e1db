# SPDX-License-Identifier: MIT
"""The blocks of a `GIT binary patch`: base 85 over deflate, each with the size it must come to.

A garbled or cut block is found when the patch is read, not when it is applied. `Binary files differ` has no blocks.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence

from .hunk import split_lines

__all__ = ["GarbledBinary", "literal", "read_blocks"]

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
        if not _inflates_to(b"".join(parts), int(start[2])):
            raise GarbledBinary(
                first, f"binary block is garbled: it does not come to the {int(start[2])} bytes it names"
            )
        blocks += 1
        index += 1
    if not blocks:
        raise GarbledBinary(index - 1, "binary patch without a `literal` or `delta` block")
    return index


def literal(section: bytes) -> bytes | None:
    """The new content a `GIT binary patch` section holds, None if it holds a delta or nothing."""
    lines = split_lines(section)
    start = _START.fullmatch(lines[1]) if len(lines) > 1 else None
    if start is None or start[1] != b"literal":
        return None
    parts = []
    for at, line in enumerate(lines[2:], start=2):
        if not line.strip():
            break
        parts.append(_decoded(line, at))
    return zlib.decompress(b"".join(parts))


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


def _inflates_to(data: bytes, size: int) -> bool:
    """Whether the data comes to exactly so many bytes; a block that would come to more is not unpacked further."""
    inflater = zlib.decompressobj()
    left = size
    try:
        while not inflater.eof:
            chunk = inflater.decompress(data, _CHUNK)
            left -= len(chunk)
            data = inflater.unconsumed_tail
            if left < 0 or not (chunk or data or inflater.eof):
                return False
    except zlib.error:
        return False
    return left == 0
