# SPDX-License-Identifier: MIT
"""How far two byte strings agree, from the start and from the end, in a few comparisons of memory."""

from __future__ import annotations

__all__ = ["common_end", "common_start"]


def common_start(one: bytes, other: bytes) -> int:
    """Length of the common start, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_end(one: bytes, other: bytes, limit: int) -> int:
    """Length of the common end, up to a limit."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low
