# SPDX-License-Identifier: MIT
"""Git's deltas: a file as pieces of another one and pieces of its own (gitformat-pack(5), "Deltified representation").

A `GIT binary patch` may hold one. What it says is checked before anything is made of it: seven bytes can ask for
sixteen million, so the sizes are added up first.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["GarbledDelta", "apply_delta", "check_delta"]

LARGEST = 1 << 29
"""Bytes a delta may come to: no file of a kernel is near it, and a hostile one would fill the memory."""

Piece = tuple[int, int, bytes]
"""(offset, length, nothing) of a copy, or (0, 0, bytes) of an insertion."""


class GarbledDelta(ValueError):
    """A delta that is cut off, or does not come to what it promises."""


def check_delta(delta: bytes) -> None:
    """Raise GarbledDelta unless the delta is whole and comes to the size it names, for a file of the size it names."""
    source, target, at = _sizes(delta)
    if target > LARGEST:
        raise GarbledDelta(f"the delta would come to {target} bytes")
    left = target
    for offset, length, data in _pieces(delta, at):
        if not data and offset + length > source:
            raise GarbledDelta("the delta copies from beyond the end of the file it is for")
        left -= len(data) or length
        if left < 0:
            break
    if left:
        raise GarbledDelta(f"the delta does not come to the {target} bytes it names")


def apply_delta(delta: bytes, old: bytes) -> bytes:
    """The file a delta makes of another. Raises GarbledDelta where it is garbled, or for a file of another size."""
    check_delta(delta)
    source, _, at = _sizes(delta)
    if source != len(old):
        raise GarbledDelta(f"the delta is for a file of {source} bytes, not {len(old)}")
    return b"".join(data or old[offset : offset + length] for offset, length, data in _pieces(delta, at))


def _sizes(delta: bytes) -> tuple[int, int, int]:
    """Sizes of the old and the new file, and where the pieces begin."""
    source, at = _number(delta, 0)
    target, at = _number(delta, at)
    return source, target, at


def _number(delta: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(delta) or shift > 56:
            raise GarbledDelta("the delta is cut off in its sizes")
        value |= (delta[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not delta[at - 1] & 0x80:
            return value, at


def _pieces(delta: bytes, at: int) -> Iterator[Piece]:
    while at < len(delta):
        code = delta[at]
        at += 1
        if not code:
            raise GarbledDelta("the delta has an instruction that git keeps for later")
        if not code & 0x80:
            data = delta[at : at + code]
            at += code
            if len(data) < code:
                raise GarbledDelta("the delta is cut off")
            yield 0, 0, data
            continue
        numbers = [0, 0]
        for bit in range(7):
            if code & (1 << bit):
                if at >= len(delta):
                    raise GarbledDelta("the delta is cut off")
                numbers[bit > 3] |= delta[at] << (8 * (bit % 4))
                at += 1
        yield numbers[0], numbers[1] or 0x10000, b""
