# SPDX-License-Identifier: MIT
"""Whether a change stands in a file, told by content alone.

For bases without usable history: a hunk of the base's own change is covered when every line it adds
stands in the result where its neighbours would have it, and what it removes does not. Lines that
occur everywhere (`}`, `return 0;`) prove nothing; they count only together with a neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from ..values.hunk import Hunk

__all__ = ["Block", "blocks", "stands_in"]

_TELLING = re.compile(rb"\w")
ENOUGH = 12
"""Letters, digits and underscores a run of lines must have to be told from others by itself."""


@attrs.frozen(kw_only=True)
class Block:
    """One run of removed and added lines, with the context lines around it."""

    before: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]
    after: tuple[bytes, ...]


def blocks(hunk: Hunk) -> list[Block]:
    """The runs of changed lines of a hunk, in order."""
    found: list[Block] = []
    context: list[bytes] = []
    removed: list[bytes] = []
    added: list[bytes] = []
    pending: list[tuple[list[bytes], list[bytes], list[bytes]]] = []

    def close(after: Sequence[bytes]) -> None:
        for before, gone, come in pending:
            found.append(
                Block(before=tuple(before), removed=tuple(gone), added=tuple(come), after=tuple(after))
            )
        pending.clear()

    for line in hunk.lines:
        column, text = line[:1], line[1:]
        if column == b"-":
            removed.append(text)
        elif column == b"+":
            added.append(text)
        elif column != b"\\":
            if removed or added:
                close(context)
                pending.append((context, removed, added))
                context, removed, added = [], [], []
            context.append(text)
    close(context)
    if removed or added:
        pending.append((context, removed, added))
        close([])
    return found


def stands_in(hunk: Hunk, content: bytes) -> bool:
    """Whether the change of a hunk is in a file, wherever its lines moved to."""
    return all(_block_stands(block, content) for block in blocks(hunk))


def _block_stands(block: Block, content: bytes) -> bool:
    if block.added and not _has_run(block.added, block, content):
        return False
    if not block.removed:
        return True
    if block.added and _contains(block.added, block.removed):
        # What it removes is part of what it adds.
        return True
    return not _has_run(block.removed, block, content)


def _contains(outer: Sequence[bytes], inner: Sequence[bytes]) -> bool:
    return any(tuple(outer[at : at + len(inner)]) == tuple(inner) for at in range(len(outer) - len(inner) + 1))


def _has_run(run: Sequence[bytes], block: Block, content: bytes) -> bool:
    """Whether lines stand in a row; a run that proves nothing must have a neighbour beside it."""
    if len(_TELLING.findall(b"".join(run))) >= ENOUGH:
        return _in_lines(b"".join(run), content)
    beside = []
    before = next((line for line in reversed(block.before) if _TELLING.search(line)), None)
    if before is not None and block.before[-1:] == (before,):
        beside.append(before + b"".join(run))
    if block.after:
        beside.append(b"".join(run) + block.after[0])
    return any(_in_lines(text, content) for text in beside) if beside else _in_lines(b"".join(run), content)


def _in_lines(text: bytes, content: bytes) -> bool:
    """Whether a text of whole lines stands in a content at the start of a line."""
    return content.startswith(text) or b"\n" + text in content
