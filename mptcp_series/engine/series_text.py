# SPDX-License-Identifier: MIT
"""Composes the text of an extracted series, and keeps what people wrote into the one before it.

Each pick keeps the line it had (options, spelling) and the comments above it; patches that no commit
of the source stands for stay behind the patch they followed. Comments that extract itself writes are
written anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..values.recipe import Recipe
from ..values.series import Series, SeriesEntry, SeriesLine

__all__ = ["compose"]

_GENERATED = (b"# prerequisite: ", b"# include: ", b"# merge: ", b"# excluded: ", b"# extracted: ")


def compose(
    recipe: Recipe,
    picks: Sequence[tuple[SeriesEntry, str | None]],
    excluded: Sequence[str],
    previous: Series | None,
) -> Series:
    """The series of these picks, each with the comment that goes above it."""
    before = _Previous(previous)
    lines = [_comment(f"extracted: {recipe.name}, {recipe.range}")]
    lines += [_comment(f"excluded: {text}") for text in excluded]
    if before.head:
        lines += before.head
    lines += before.followers.pop(None, [])
    for entry, note in picks:
        kept = before.blocks.get(entry.pin)
        if kept is None:
            own = [SeriesLine(raw=entry.render().encode("utf-8", "surrogateescape") + b"\n", entry=entry)]
        else:
            own = kept
        if note is not None:
            lines.append(_comment(note))
        lines += own
        lines += before.followers.pop(entry.pin, [])
    # What followed a pin that is no longer picked still belongs to the user.
    for rest in before.followers.values():
        lines += rest
    lines += before.tail
    text = b"".join(line.raw if line.raw.endswith(b"\n") else line.raw + b"\n" for line in lines)
    return Series.parse(text, previous.file if previous is not None else "series")


def _comment(text: str) -> SeriesLine:
    return SeriesLine(raw=f"# {text}\n".encode("utf-8", "surrogateescape"))


class _Previous:
    """The old series, cut into blocks: each entry with the comments above it."""

    def __init__(self, series: Series | None) -> None:
        self.head: list[SeriesLine] = []
        """Comments at the top, up to the first empty line."""
        self.blocks: dict[str | None, list[SeriesLine]] = {}
        self.followers: dict[str | None, list[SeriesLine]] = {}
        """Blocks of entries without a pin, by the pin they come after."""
        pending: list[SeriesLine] = []
        last: str | None = None
        first = True
        for line in [] if series is None else series.lines:
            if line.entry is None:
                if not line.raw.startswith(_GENERATED):
                    pending.append(line)
                if first and not line.raw.strip():
                    self.head, pending = pending, []
                    first = False
                continue
            first = False
            block, pending = [*pending, line], []
            if line.entry.pin is not None:
                self.blocks[line.entry.pin] = block
                last = line.entry.pin
            else:
                self.followers.setdefault(last, []).extend(block)
        self.tail = pending
