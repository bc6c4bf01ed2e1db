# SPDX-License-Identifier: MIT
"""What a merge makes of a hunk, in words: apart from the merge itself, which few pushes need."""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

__all__ = ["Blobs", "HunkMerge", "Part", "Style", "Word"]

Blobs = Callable[[str], bytes | None]
"""The content that an id of an index line names, where a repository has it."""


class Style(enum.Enum):
    """How a conflict is written: with the patch's old lines between the two sides, or without."""

    MERGE = "merge"
    DIFF3 = "diff3"


class Word(enum.Enum):
    """What became of a part of a hunk, in GNU patch's words."""

    MERGED = "merged"
    ALREADY = "already applied"
    CONFLICT = "NOT MERGED"


@attrs.frozen(kw_only=True)
class Part:
    """A change of a hunk, and the lines (1-based, both included) it takes in the file as it becomes."""

    word: Word
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.word.value} at {self.first}" + (f"-{self.last}" if self.last > self.first else "")


@attrs.frozen(kw_only=True)
class HunkMerge:
    """What became of one hunk.

    parts: none where it stands with all its context. why: what collides, or why it was merged nowhere at all; a hunk
    with a reason and no parts is not in the file.
    """

    parts: tuple[Part, ...] = ()
    offset: int = 0
    why: str = ""
