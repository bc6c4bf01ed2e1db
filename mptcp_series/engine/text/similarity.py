# SPDX-License-Identifier: MIT
"""How alike two files are, for telling a rename from a deletion and an addition."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ...values.hunk import split_lines

__all__ = ["THRESHOLD", "similarity"]

THRESHOLD: Final = 0.5
"""Share of the larger file's bytes that must be in lines of both: git's default of 50 %."""


def similarity(one: bytes, other: bytes) -> float:
    """Share (0 to 1) of the larger text's bytes that stand in lines both have.

    >>> similarity(b"a\\nb\\n", b"b\\nc\\n")
    0.5
    """
    larger = max(len(one), len(other))
    if not larger or min(len(one), len(other)) < larger * THRESHOLD:
        return 0.0
    common = Counter(split_lines(one)) & Counter(split_lines(other))
    return sum(len(line) * count for line, count in common.items()) / larger
