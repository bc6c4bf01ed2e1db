# SPDX-License-Identifier: MIT
"""Who wrote each line of a file of a result, and who took lines away, worked out in memory.

`git blame` says it for lines that are there, once the commits are in a repository. A proof also asks after lines
that are not there any more, and tells a patch from the diff of its override, which are one commit.

A line belongs to the last entry that wrote it. The differ is that of hunk ids (Myers, indent heuristic), entry by
entry; a file that an entry moves keeps the authors of its lines, by git's rule of 50 % alike.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from ...values.hunk import split_lines
from ..alignment.once import once
from ..replay.change import entry_text
from ..result import Result
from ..store.objects import Entry, Objects
from ..store.tree import TreeEditor
from ..text.merge import Edit, is_binary
from ..text.similarity import THRESHOLD, similarity
from .layers import Layer, Origin, base_tree, result_layers
from .lines import line_edits

__all__ = ["Annotated", "Annotator", "Line", "Removed", "Written", "annotate"]


@attrs.frozen(slots=True)
class Line:
    """A line of the file as it stands: its text with its newline, and where it is from."""

    text: bytes
    origin: Origin | None
    """None for a line of the base."""
    layer: int
    """Number of the layer that wrote it, -1 for the base."""
    born: int
    """Its 1-based number in the file as that layer left it."""


@attrs.frozen(slots=True)
class Removed:
    """A line that is not there any more: whose it was, and who took it away."""

    line: Line
    by: Origin
    layer: int
    """Number of the layer that took it away."""
    last: int
    """Its 1-based number in the file as that layer found it."""


@attrs.frozen(kw_only=True)
class Written:
    """One layer's change of a file as a whole: for modes, links, binary content and files that come and go."""

    origin: Origin
    layer: int
    old: Entry | None
    new: Entry | None


@attrs.frozen(kw_only=True, eq=False)
class Annotated:
    """A file with the authors of its lines. Line numbers are 1-based, as compilers and diffs give them."""

    path: str
    entry: Entry | None
    """The file; None where the result has none."""
    lines: tuple[Line, ...]
    removed: Mapping[int, tuple[Removed, ...]]
    """What was taken away, oldest first, by the line it stood behind: 0 before the first line."""
    history: tuple[Written, ...]
    """Every layer that touched the file, oldest first."""

    def origin(self, line: int) -> Origin | None:
        """Who wrote a line; None for the base. Raises IndexError for a line the file does not have."""
        if not 1 <= line <= len(self.lines):
            raise IndexError(f"{self.path} has {len(self.lines)} lines, and no line {line}")
        return self.lines[line - 1].origin

    def name(self, line: int) -> str | None:
        """Name of the queue entry that wrote a line; None for the base. Raises IndexError as `origin` does."""
        found = self.origin(line)
        return None if found is None else found.name

    def names(self, first: int, last: int) -> tuple[str, ...]:
        """Names of the entries that wrote any of the lines first to last, in the order of the lines."""
        origins = (line.origin for line in self.lines[max(0, first - 1) : last])
        return tuple(dict.fromkeys(origin.name for origin in origins if origin is not None))

    def removed_between(self, first: int, last: int) -> tuple[Removed, ...]:
        """What was taken away behind any of the lines first to last; 0 stands for the start of the file.

        `removed_between(n, n)` asks about the one place behind line n, `removed_between(n - 1, n)` about both sides
        of line n.
        """
        return tuple(gone for at in range(first, last + 1) for gone in self.removed.get(at, ()))

    def removers(self, first: int, last: int) -> tuple[str, ...]:
        """Names of the entries that took lines away behind any of the lines first to last, oldest first."""
        gone = sorted(self.removed_between(first, last), key=lambda one: one.layer)
        return tuple(dict.fromkeys(one.by.name for one in gone))


def annotate(result: Result, path: str, *, upto: int | None = None) -> Annotated:
    """Annotate one file of a result.

    path: as the engine has paths: `str` with surrogate escapes for bytes that are not UTF-8.
    upto: annotate the file as it is after this many commits of the result (`len(result.steps)` is all, 0 the base).
    A result in conflict is annotated up to the commit before its first conflict.

    A file the result does not have gives no lines; what was taken away is still told.
    Raises MissingObject where a content cannot be read.
    """
    return Annotator.of(result, upto=upto).file(path)


class Annotator:
    """Annotates files that were changed by layers laid over a base."""

    def __init__(self, objects: Objects, base: Callable[[str], Entry | None], layers: Sequence[Layer]) -> None:
        """base: the file the base has at a path. layers: bottom first."""
        self.objects = objects
        self.layers = tuple(layers)
        self._base = base
        self._known: dict[tuple[str, int], _State] = {}
        self._touching: dict[str, list[int]] = {}
        for number, layer in enumerate(self.layers):
            for path in layer.files:
                self._touching.setdefault(path, []).append(number)

    @classmethod
    def of(cls, result: Result, *, upto: int | None = None) -> Annotator:
        """The annotator of a result; the same one every time it is asked for."""
        end = result.steps[-1].commit if result.steps else bytes.fromhex(result.predicted_tree)

        def made() -> Annotator:
            base = TreeEditor(result.objects, base_tree(result))
            return cls(result.objects, base.get, result_layers(result, upto=upto))

        return once(result.objects, ("annotator", end, upto), made)

    @property
    def paths(self) -> Iterable[str]:
        """Every path a layer touched."""
        return self._touching.keys()

    def touches(self, path: str) -> bool:
        """Whether a layer touches the file; else all of it is the base's."""
        return path in self._touching

    def laid_over(self, layer: Layer) -> Annotator:
        """The same with one more layer on top."""
        more = Annotator(self.objects, self._base, (*self.layers, layer))
        more._known.update(self._known)
        return more

    def file(self, path: str) -> Annotated:
        """Annotate one file as the last layer left it."""
        state = self._state(path, len(self.layers))
        return Annotated(
            path=path,
            entry=state.entry,
            lines=tuple(state.lines),
            removed={at: tuple(gone) for at, gone in sorted(state.removed.items())},
            history=tuple(state.history),
        )

    def _state(self, path: str, below: int) -> _State:
        """The file before layer number `below`."""
        numbers = [number for number in self._touching.get(path, ()) if number < below]
        if not numbers:
            entry = self._base(path)
            texts = split_lines(entry_text(self.objects, entry))
            lines = [Line(text, None, -1, at) for at, text in enumerate(texts, start=1)]
            return _State(entry=entry, lines=lines, removed={}, history=[])
        last = numbers[-1]
        known = self._known.get((path, last))
        if known is None:
            known = self._known[path, last] = self._over(self._state(path, last), path, last)
        return known

    def _over(self, before: _State, path: str, number: int) -> _State:
        """The file after a layer that touches it."""
        layer = self.layers[number]
        entry = layer.files[path]
        if entry == before.entry:
            return before
        written = Written(origin=layer.origin, layer=number, old=before.entry, new=entry)
        if before.entry is None and entry is not None:
            moved = self._moved(entry, number)
            before = moved if moved is not None else before
        after = _edited(self.objects, before, entry, layer.origin, number)
        return attrs.evolve(after, history=[*before.history, written])

    def _moved(self, entry: Entry, number: int) -> _State | None:
        """The file a new one was made of: the most alike of those the layer takes away."""
        if not entry.is_text:
            return None
        text = self.objects.read(entry.oid)
        best, score = None, THRESHOLD
        for path, left in sorted(self.layers[number].files.items()):
            gone = None if left is not None else self._state(path, number)
            if gone is None or gone.entry is None or not gone.entry.is_text:
                continue
            alike = 1.0 if gone.entry.oid == entry.oid else similarity(self.objects.read(gone.entry.oid), text)
            if alike >= score and (best is None or alike > score):
                best, score = gone, alike
        return best


@attrs.frozen(kw_only=True, eq=False)
class _State:
    """A file between two layers."""

    entry: Entry | None
    lines: list[Line]
    removed: dict[int, list[Removed]]
    history: list[Written]


def _edited(objects: Objects, before: _State, entry: Entry | None, origin: Origin, number: int) -> _State:
    old, new = entry_text(objects, before.entry), entry_text(objects, entry)
    texts = split_lines(new)
    if old == new:
        found: list[Edit] = []
    elif is_binary(old) or is_binary(new):
        found = [Edit(0, len(before.lines), 0, len(texts))]
    else:
        found = line_edits(old, new)
    lines: list[Line] = []
    removed: dict[int, list[Removed]] = {}
    gaps = sorted(before.removed)
    old_gap = 0

    def keep(upto: int) -> None:
        """Take over the lines to this one, with what is remembered of the places before each."""
        nonlocal old_gap
        shift = len(lines) - old_gap
        for gap in gaps[bisect_left(gaps, old_gap) : bisect_left(gaps, upto)]:
            removed.setdefault(gap + shift, []).extend(before.removed[gap])
        lines.extend(before.lines[old_gap:upto])
        old_gap = upto

    for edit in found:
        keep(edit.old_lo)
        # All that was remembered of the places inside the stretch comes together where it begins.
        place = removed.setdefault(len(lines), [])
        for gap in gaps[bisect_left(gaps, edit.old_lo) : bisect_left(gaps, edit.old_hi)]:
            place.extend(before.removed[gap])
        place.extend(Removed(before.lines[gone], origin, number, gone + 1) for gone in range(edit.old_lo, edit.old_hi))
        lines += [Line(texts[come], origin, number, come + 1) for come in range(edit.new_lo, edit.new_hi)]
        old_gap = edit.old_hi
    keep(len(before.lines))
    removed.setdefault(len(lines), []).extend(before.removed.get(old_gap, ()))
    return _State(
        entry=entry, lines=lines, removed={gap: gone for gap, gone in removed.items() if gone}, history=before.history
    )
