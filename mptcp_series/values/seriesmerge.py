# SPDX-License-Identifier: MIT
"""Three-way merge of series files by what they say: an ordered queue, and not lines that happen to be neighbours.

Two branches that each add a patch at the end change the same place of a text, and nothing of the queue: both patches
are wanted, ours first. What does collide is told patch by patch, and then nothing is merged: the same patch changed,
or changed and taken out, one name or one commit added for two things, two new orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from .series import Series, SeriesEntry

__all__ = ["SeriesMerge", "merge_series"]


@attrs.frozen(kw_only=True)
class SeriesMerge:
    """The merged series, or what collides. One of the two is empty."""

    series: Series | None = None
    conflicts: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Blocks:
    """A series file as a head, the patches each with the comments directly above it, and a tail."""

    head: bytes
    patches: Mapping[str, bytes]
    tail: bytes
    entries: Mapping[str, SeriesEntry]

    @classmethod
    def of(cls, series: Series) -> _Blocks:
        patches: dict[str, bytes] = {}
        entries: dict[str, SeriesEntry] = {}
        above: list[bytes] = []
        head: list[bytes] = []
        for line in series.lines:
            raw = line.raw if line.raw.endswith(b"\n") else line.raw + b"\n"
            if line.entry is not None:
                if not entries:
                    # What stands above the first patch is the file's as much as the patch's: of the file it stays.
                    head, above = above, []
                patches[line.entry.name] = b"".join([*above, raw])
                entries[line.entry.name] = line.entry
                above = []
            else:
                above.append(raw)
        if not entries:
            return cls(head=b"".join(above), patches={}, tail=b"", entries={})
        return cls(head=b"".join(head), patches=patches, tail=b"".join(above), entries=entries)


def merge_series(base: Series, ours: Series, theirs: Series) -> SeriesMerge:
    """Merge what two sides made of a series.

    Patches, their options, pins, the comments above them, their order, the head and the tail of the file are merged,
    each by itself: what one side changed counts. Where both add patches at one place, ours come first.

    >>> merged = merge_series(*(Series.parse(data) for data in (b"a\\n", b"a\\nb\\n", b"a\\nc\\n")))
    >>> merged.series.render()
    b'a\\nb\\nc\\n'
    """
    before, mine, other = (_Blocks.of(series) for series in (base, ours, theirs))
    conflicts: list[str] = []
    blocks: dict[str, bytes] = {}
    for name in dict.fromkeys((*before.patches, *mine.patches, *other.patches)):
        sides = [side.patches.get(name) for side in (before, mine, other)]
        try:
            block = _chosen(*sides)
        except _Collision:
            conflicts.append(f"{name}: {_collision(*sides)}")
            continue
        if block is not None:
            blocks[name] = block
    order = _order(list(before.patches), list(mine.patches), list(other.patches))
    if order is None:
        conflicts.append("the order of the patches: both sides changed it, and not alike")
    else:
        _tail_once(before, mine, other, blocks, order)
    texts: list[bytes] = []
    for place, parts in (
        ("the lines above the first patch", (before.head, mine.head, other.head)),
        ("the lines below the last patch", (before.tail, mine.tail, other.tail)),
    ):
        try:
            texts.append(_chosen(*parts) or b"")
        except _Collision:
            conflicts.append(f"{place}: both sides changed them, and not alike")
    conflicts += _twice(before, mine, other, blocks)
    if conflicts or order is None:
        return SeriesMerge(conflicts=tuple(conflicts))
    head, tail = texts
    data = b"".join([head, *(blocks[name] for name in order if name in blocks), tail])
    return SeriesMerge(series=Series.parse(data, ours.file))


def _tail_once(before: _Blocks, mine: _Blocks, other: _Blocks, blocks: dict[str, bytes], order: Sequence[str]) -> None:
    """Where both sides add patches below the lines at the end of the file, these lines stand above the first only."""
    if not before.tail:
        return
    found = []
    for side in (mine, other):
        name = next((name for name in side.patches if name not in before.patches), None)
        if name in blocks and not side.tail and blocks[name].startswith(before.tail):
            found.append(name)
    if len(found) == 2 and found[0] != found[1]:
        last = max(found, key=order.index)
        blocks[last] = blocks[last].removeprefix(before.tail)


class _Collision(Exception):
    """Both sides changed a thing, and not alike."""


def _chosen(base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | None:
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    raise _Collision


def _collision(base: bytes | None, ours: bytes | None, theirs: bytes | None) -> str:
    if base is None:
        return "both sides add it, and not alike"
    if ours is None:
        return "ours takes it out, theirs changes it"
    if theirs is None:
        return "ours changes it, theirs takes it out"
    return "both sides change it, and not alike"


def _twice(before: _Blocks, mine: _Blocks, other: _Blocks, blocks: Mapping[str, bytes]) -> list[str]:
    """Commits that stand in the merged series under two names, where no side had both."""
    names: dict[str, list[str]] = {}
    for name in blocks:
        entry = mine.entries.get(name) or other.entries.get(name) or before.entries[name]
        if entry.pin is not None:
            names.setdefault(entry.pin, []).append(name)
    return [
        f"{' and '.join(found)}: both sides queue commit {pin[:12]}"
        for pin, found in names.items()
        if len(found) > 1 and not any(set(found) <= side.entries.keys() for side in (mine, other))
    ]


def _order(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str] | None:
    """The names of all sides in merged order; None where both sides changed it, and not alike."""
    known = set(base)
    kept, added = (
        [[name for name in side if (name in known) is old] for side in (ours, theirs)] for old in (True, False)
    )
    if _moved(*added) or (_moved(ours, theirs) and not _moved(*kept)):
        # Both add the same patches, in two orders or at two places.
        return None
    if not _moved(base, theirs):
        return _woven(ours, theirs, first=True)
    if not _moved(base, ours):
        return _woven(theirs, ours, first=False)
    return _woven(ours, theirs, first=True) if not _moved(ours, theirs) else None


def _moved(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the names two orders share stand in another order."""
    shared = set(before) & set(after)
    return [name for name in before if name in shared] != [name for name in after if name in shared]


def _woven(spine: Sequence[str], other: Sequence[str], *, first: bool) -> list[str]:
    """The spine with what only the other side has, each behind the name it follows there.

    first: whether, where both add at one place, the spine's come first.
    """
    order = list(spine)
    known = set(spine)
    previous: str | None = None
    for name in other:
        if name not in order:
            at = 0 if previous is None else order.index(previous) + 1
            # Behind what only the spine has there, unless this one goes on a run of the other side's.
            if first and (previous is None or previous in known):
                while at < len(order) and order[at] not in other:
                    at += 1
            order.insert(at, name)
        previous = name
    return order
