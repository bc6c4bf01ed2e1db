# SPDX-License-Identifier: MIT
"""Composes the text of an extracted series, and keeps what people wrote into the one before it.

Each pick keeps the line it had (options, spelling) and the comments above it; patches that no commit
of the source stands for stay behind the patch they followed, or behind the one before that if it is gone. The line of
a pin that is no longer picked goes, with the comments directly above it. Comments that extract itself writes are
written anew each time; it knows them by how they begin.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import attrs

from ...values.recipe import Recipe
from ...values.series import Series, SeriesEntry, SeriesLine

__all__ = ["MERGE_NOTE", "compose", "dropped_entries"]

MERGE_NOTE = "merge: its result on owned paths differs from the automatic merge"

_GENERATED = re.compile(
    rb"# (?:extracted: [^,]+, \S+\.\.\S+|excluded: [0-9a-f]{40} .*|%b|(?:prerequisite|include): .*)\r?\n?"
    % re.escape(MERGE_NOTE.encode()),
    re.DOTALL,
)


def compose(
    recipe: Recipe,
    picks: Sequence[tuple[SeriesEntry, str | None]],
    excluded: Sequence[str],
    previous: Series | None,
) -> Series:
    """The series of these picks, each with the comment that goes above it.

    Raises BadSeries where a pick has the name of a patch that stays.
    """
    before = _Previous(previous, {entry.pin for entry, _ in picks})
    lines = [_comment(f"extracted: {recipe.name}, {recipe.range}")]
    lines += [_comment(f"excluded: {text}") for text in excluded]
    lines += before.head
    lines += before.followers.get(None, [])
    for entry, note in picks:
        if note is not None:
            lines.append(_comment(note))
        lines += _renamed(before.blocks.get(entry.pin, [_written(entry)]), entry.name)
        lines += before.followers.get(entry.pin, [])
    lines += before.tail
    text = b"".join(line.raw if line.raw.endswith(b"\n") else line.raw + b"\n" for line in lines)
    return Series.parse(text, previous.file if previous is not None else "series")


def dropped_entries(previous: Series | None, series: Series) -> tuple[SeriesEntry, ...]:
    """Pinned entries of the old series whose name the new one does not have."""
    names = {entry.name for entry in series.entries}
    old = () if previous is None else previous.entries
    return tuple(entry for entry in old if entry.pin is not None and entry.name not in names)


def _renamed(block: list[SeriesLine], name: str) -> list[SeriesLine]:
    """The lines of an entry, under a name it may not have had."""
    entry = block[-1].entry
    if entry is None or entry.name == name:
        return block
    return [*block[:-1], _written(attrs.evolve(entry, name=name))]


def _written(entry: SeriesEntry) -> SeriesLine:
    return SeriesLine(raw=entry.render().encode("utf-8", "surrogateescape") + b"\n", entry=entry)


def _comment(text: str) -> SeriesLine:
    return SeriesLine(raw=f"# {text}\n".encode("utf-8", "surrogateescape"))


class _Previous:
    """The old series, cut into blocks: each entry with the comments above it."""

    def __init__(self, series: Series | None, pins: Collection[str | None]) -> None:
        self.head: list[SeriesLine] = []
        """Comments at the top, up to the first empty line."""
        self.blocks: dict[str | None, list[SeriesLine]] = {}
        """By pin, of the pins that are picked again."""
        self.followers: dict[str | None, list[SeriesLine]] = {}
        """Blocks of all other entries that stay, by the pin they come after."""
        pending: list[SeriesLine] = []
        last: str | None = None
        first = True
        for line in [] if series is None else series.lines:
            if line.entry is None:
                if not _GENERATED.fullmatch(line.raw):
                    pending.append(line)
                if first and not line.raw.strip():
                    self.head, pending = pending, []
                    first = False
                continue
            first = False
            pin = line.entry.pin
            if pin is not None and pin not in pins:
                pending = _paragraphs(pending)
                continue
            block, pending = [*pending, line], []
            if pin is not None and pin not in self.blocks:
                self.blocks[pin] = block
                last = pin
            else:
                self.followers.setdefault(last, []).extend(block)
        self.tail = pending


def _paragraphs(lines: list[SeriesLine]) -> list[SeriesLine]:
    """What an empty line sets apart from the entry below."""
    end = max((at + 1 for at, line in enumerate(lines) if not line.raw.strip()), default=0)
    return lines[:end]
