# SPDX-License-Identifier: MIT
"""An override laid out for review: at each place upstream's hunk, what the base has, and what is done instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from ...values.hunk import Hunk, hunk_ids, split_lines
from ...values.override import Override
from ...values.report import Row, Window
from ..replay.item import Item
from ..replay.overrides import override_diff
from ..store.objects import Objects
from ..text.nearest import nearest_lines
from .topics import change_hunks

__all__ = ["effect", "lines_of", "override_rows", "shown"]

_TOGETHER = 40
"""Lines between a dropped hunk and a hunk of the override's diff for them to be one change."""
_MOST = 400
"""Lines of a file shown at one place."""

Content = Callable[[str], bytes | None]
"""A file of the base as it stands before the patch; None where there is none."""


def shown(data: bytes) -> str:
    """A line as text, without its newline."""
    return data.removesuffix(b"\n").decode("utf-8", "backslashreplace")


def lines_of(hunk: Hunk) -> tuple[str, ...]:
    """A hunk as text, its header first."""
    return tuple(shown(line) for line in split_lines(hunk.render()))


def effect(override: Override) -> str:
    """What an override does, in a few words.

    >>> effect(Override(patch="x", skip=True, reason="why"))
    'skips the patch'
    """
    said = override.left_out
    if override.diff:
        paths = ", ".join(file.path for file in override_diff(override, []))
        said.append(f"changes {paths or '(a diff that cannot be read)'}")
    return "; ".join(said)


@attrs.frozen
class _Dropped:
    identifier: str
    hunk: Hunk
    window: Window | None


def override_rows(objects: Objects, item: Item | None, override: Override, content: Content) -> tuple[Row, ...]:
    """Every place an override changes, by path and line. `content` gives the files as they stand before the patch."""
    instead = {file.path: list(file.hunks) for file in override_diff(override, [])}
    dropped = {} if item is None else _dropped(objects, item, override, content)
    rows: list[Row] = []
    for path in sorted({*instead, *dropped}):
        rows += _path_rows(path, dropped.get(path, []), instead.get(path, []), content(path))
    return tuple(rows)


def _dropped(objects: Objects, item: Item, override: Override, content: Content) -> dict[str, list[_Dropped]]:
    found: dict[str, list[_Dropped]] = {}
    for change in item.changes:
        hunks = change_hunks(objects, change)
        text = content(change.path)
        for identifier, hunk in zip(hunk_ids(hunks), hunks, strict=True):
            if override.drops(change.path, identifier):
                found.setdefault(change.path, []).append(_Dropped(identifier, hunk, _window(text, hunk)))
    return found


def _window(text: bytes | None, hunk: Hunk) -> Window | None:
    """The lines of a file that a hunk is about, as they are there."""
    if text is None:
        return None
    lines = split_lines(text)
    low, high = nearest_lines(lines, hunk.pre_image, hunk.old_index)
    if low == high:
        low, high = max(0, low - 3), min(len(lines), high + 3)
    return Window(start=low + 1, lines=tuple(shown(line) for line in lines[low : min(high, low + _MOST)]))


def _path_rows(path: str, dropped: Sequence[_Dropped], instead: list[Hunk], text: bytes | None) -> Iterator[Row]:
    left = list(instead)
    placed: list[tuple[int, Row]] = []
    for one in dropped:
        # The diff is of the file after the kept hunks: near enough to tell which hunk is in place of which.
        at = one.hunk.old_start if one.window is None else one.window.start
        near = min(left, key=lambda hunk: _distance(hunk, at, one.hunk.old_count), default=None)
        ours = None
        if near is not None and _distance(near, at, one.hunk.old_count) <= _TOGETHER:
            left.remove(near)
            ours = lines_of(near)
        row = Row(path=path, hunk=one.identifier, upstream=lines_of(one.hunk), base=one.window, ours=ours)
        placed.append((at, row))
    for hunk in left:
        row = Row(path=path, hunk=None, upstream=None, base=_window(text, hunk), ours=lines_of(hunk))
        placed.append((hunk.old_start, row))
    yield from (row for _, row in sorted(placed, key=lambda entry: entry[0]))


def _distance(hunk: Hunk, at: int, count: int) -> int:
    return max(hunk.old_start - (at + count), at - (hunk.old_start + hunk.old_count), 0)
