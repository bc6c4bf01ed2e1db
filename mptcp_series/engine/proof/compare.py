# SPDX-License-Identifier: MIT
"""Where a tree is not the expected one, hunk by hunk, and whose hunks these are.

A stretch that is as it was before the queue is a missing hunk, of the entries that wrote it. A stretch where no entry
wrote or took anything is an extra one. Everything else is altered, and belongs to all entries that had a part in it.
Each difference is told once, at the place where it says most: of equal lines that could be the missing one, the one
an entry wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from ...errors import MissingObject
from ...values.hunk import hunk_ids, split_lines
from ...values.result import EntryKind
from ...values.verification import Author, Difference, DifferenceKind, Thing
from ..replay.change import BlobChange, file_hunks
from ..store.objects import EXECUTABLE, LINK, SUBMODULE, Entry, Objects, hexed
from ..text.merge import Edit, is_binary
from .annotate import Annotated, Annotator, Line, Removed
from .layers import Origin, Part
from .lines import grouped, hunk_text, line_edits, slides

__all__ = ["differences"]

Trace = Line | Removed
"""A line an entry wrote, or one it took away."""


def differences(annotator: Annotator, changes: Iterable[BlobChange]) -> Iterator[Difference]:
    """Tell every difference of a tree.

    annotator: of the expected result. changes: from the expected files to those there are.
    """
    for change in changes:
        if annotator.touches(change.path):
            annotated = annotator.file(change.path)
        else:
            # All of it is the base's, whatever it holds; the content of some may not even be at hand.
            annotated = Annotated(path=change.path, entry=change.old, lines=(), removed={}, history=())
        yield from _File(annotator.objects, annotated, change).differences()


@attrs.frozen
class _Told:
    """An edit, what it is, and whose."""

    edit: Edit
    kind: DifferenceKind
    authors: tuple[Author, ...]


class _File:
    """One file that differs."""

    def __init__(self, objects: Objects, annotated: Annotated, change: BlobChange) -> None:
        self.objects = objects
        self.annotated = annotated
        self.path = change.path
        self.expected, self.actual = change.old, change.new
        self.before = annotated.history[0].old if annotated.history else annotated.entry
        """What the base has."""
        self._ids: dict[tuple[int, bool], list[str | None]] = {}

    def differences(self) -> Iterator[Difference]:
        expected, actual = self.expected, self.actual
        if actual is None:
            yield self._missing_file()
        elif expected is None:
            yield self._extra_file(actual)
        else:
            if expected.mode != actual.mode:
                yield self._mode(expected, actual)
            if expected.oid != actual.oid:
                yield from self._content(expected, actual)

    def _missing_file(self) -> Difference:
        """A file that is not there. It belongs to everyone who wrote a line of it."""
        return self._told(
            DifferenceKind.MISSING,
            Thing.FILE,
            self._authors([*self._lines(0, len(self.annotated.lines))]) or self._last_author(),
        )

    def _extra_file(self, actual: Entry) -> Difference:
        """A file that should not be there: one that an entry takes away, or nobody's."""
        if self.before is None or not self.annotated.history:
            return self._told(DifferenceKind.EXTRA, Thing.FILE, self._last_author(), _WORDS.get(actual.mode, ""))
        same = self.before == actual
        detail = "an entry of the queue takes it away" + ("" if same else ", and it is not the base's either")
        kind = DifferenceKind.MISSING if same else DifferenceKind.ALTERED
        return self._told(kind, Thing.FILE, self._last_author(), detail)

    def _mode(self, expected: Entry, actual: Entry) -> Difference:
        detail = f"it is {_described(actual)}, and should be {_described(expected)}"
        writers = [
            written
            for written in self.annotated.history
            if written.new is not None and (written.old is None or written.old.mode != written.new.mode)
        ]
        if not writers:
            return self._told(DifferenceKind.EXTRA, Thing.MODE, (), detail)
        last = writers[-1]
        undone = last.old is not None and last.old.mode == actual.mode
        kind = DifferenceKind.MISSING if undone else DifferenceKind.ALTERED
        return self._told(kind, Thing.MODE, (self._author(last.origin, ()),), detail)

    def _content(self, expected: Entry, actual: Entry) -> Iterator[Difference]:
        try:
            texts = [self.objects.read(entry.oid) if entry.mode != SUBMODULE else None for entry in (expected, actual)]
        except MissingObject:
            texts = [None]
        lines = [text for text in texts if text is not None and not is_binary(text)]
        if len(lines) < 2 or not (expected.is_text and actual.is_text):
            yield self._whole_content(expected, actual)
        else:
            yield from self._hunks(lines[0], lines[1])

    def _whole_content(self, expected: Entry, actual: Entry) -> Difference:
        """What has no lines to compare, or cannot be read."""
        undone = self.before is not None and self.before.oid == actual.oid
        authors = self._last_author()
        kind = DifferenceKind.EXTRA if not authors else DifferenceKind.ALTERED
        kind = DifferenceKind.MISSING if authors and undone else kind
        detail = f"it is {hexed(actual.oid)}, and should be {hexed(expected.oid)}"
        return self._told(kind, Thing.CONTENT, authors, detail)

    def _hunks(self, expected: bytes, actual: bytes) -> Iterator[Difference]:
        old, new = split_lines(expected), split_lines(actual)
        edits = line_edits(expected, actual)
        for group in grouped(edits):
            told = self._as_before(group, old, new) or [self._tell(edit, old, new, edits) for edit in group]
            run: list[_Told] = []
            for one in [*told, None]:
                if run and (one is None or (one.kind, one.authors) != (run[0].kind, run[0].authors)):
                    yield self._told(
                        run[0].kind,
                        Thing.HUNK,
                        run[0].authors,
                        line=run[0].edit.old_lo + 1,
                        diff=hunk_text(old, new, [part.edit for part in run]),
                    )
                    run = []
                if one is not None:
                    run.append(one)

    def _as_before(self, group: Sequence[Edit], old: Sequence[bytes], new: Sequence[bytes]) -> list[_Told] | None:
        """The edits of a stretch that is just as the base has it; None where it is not."""
        if self.before is None or not self.before.is_text or not self.annotated.history:
            return None
        base = self.objects.read(self.before.oid)
        queue = line_edits(base, b"".join(old))
        low, high = group[0].old_lo, group[-1].old_hi
        # The queue's own edits that the stretch has a part of, whole: between them both sides have the base's lines.
        touched = [edit for edit in queue if edit.new_lo <= high and edit.new_hi >= low]
        if not touched:
            return None
        more_low, more_high = min(low, touched[0].new_lo), max(high, touched[-1].new_hi)
        base_low = touched[0].old_lo - (touched[0].new_lo - more_low)
        base_high = touched[-1].old_hi + (more_high - touched[-1].new_hi)
        there = new[group[0].new_lo - (low - more_low) : group[-1].new_hi + (more_high - high)]
        if there != split_lines(base)[base_low:base_high]:
            return None
        return self._shared_out(group, new, more_low, more_high)

    def _shared_out(self, group: Sequence[Edit], new: Sequence[bytes], low: int, high: int) -> list[_Told]:
        """The edits of a stretch that was undone. Everyone who wrote a line of it is named.

        A differ may find a line of theirs again among those that came back, or tell a line that changed places as
        another one; then it is told with the nearest edit.
        """
        traces = [self._traces(edit, new) for edit in group]
        told = {trace.layer for found in traces for trace in found}
        for at in range(low, high):
            line = self.annotated.lines[at]
            if line.origin is not None and line.layer not in told:
                told.add(line.layer)
                near = min(range(len(group)), key=lambda one: abs(group[one].old_lo - at))
                traces[near].append(line)
        taken = self.annotated.removed_between(low, high)
        return [
            _Told(edit, DifferenceKind.MISSING, self._authors(found or taken))
            for edit, found in zip(group, traces, strict=True)
        ]

    def _tell(self, edit: Edit, old: Sequence[bytes], new: Sequence[bytes], edits: Sequence[Edit]) -> _Told:
        """What one edit is, told at the place where most of it is an entry's."""
        at = edits.index(edit)
        low = edits[at - 1].old_hi if at else 0
        high = edits[at + 1].old_lo if at + 1 < len(edits) else len(old)
        best, traces = edit, self._traces(edit, new)
        whole = edit.old_hi - edit.old_lo or edit.new_hi - edit.new_lo
        for other in slides(edit, old, new, low, high):
            if len(traces) >= whole:
                break
            found = self._traces(other, new)
            if len(found) > len(traces):
                best, traces = other, found
        return _Told(best, self._kind(best, traces), self._authors(traces) or self._around(best))

    def _kind(self, edit: Edit, traces: Sequence[Trace]) -> DifferenceKind:
        written = sum(isinstance(trace, Line) for trace in traces)
        taken = len(traces) - written
        if written == edit.old_hi - edit.old_lo and taken == edit.new_hi - edit.new_lo:
            return DifferenceKind.MISSING
        return DifferenceKind.ALTERED if traces or self._around(edit) else DifferenceKind.EXTRA

    def _traces(self, edit: Edit, new: Sequence[bytes]) -> list[Trace]:
        """What entries had to do with an edit: the lines of theirs that went, those they took that came back."""
        found: list[Trace] = list(self._lines(edit.old_lo, edit.old_hi))
        gone = list(reversed(self.annotated.removed_between(edit.old_lo, edit.old_hi)))
        for text in new[edit.new_lo : edit.new_hi]:
            back = next((removed for removed in gone if removed.line.text == text), None)
            if back is not None:
                gone.remove(back)
                found.append(back)
        return found

    def _lines(self, low: int, high: int) -> Iterator[Line]:
        return (line for line in self.annotated.lines[low:high] if line.origin is not None)

    def _around(self, edit: Edit) -> tuple[Author, ...]:
        """The entry whose unbroken stretch has lines of nobody's in the middle of it."""
        lines = self.annotated.lines
        if edit.old_lo != edit.old_hi or not 0 < edit.old_lo < len(lines):
            return ()
        above, below = lines[edit.old_lo - 1], lines[edit.old_lo]
        if above.origin is None or above.layer != below.layer or above.born + 1 != below.born:
            return ()
        return self._authors([above, below])

    def _authors(self, traces: Sequence[Trace]) -> tuple[Author, ...]:
        """The entries of some traces with the hunks they are of, each once, in the order of the lines."""
        hunks: dict[int, dict[str, None]] = {}
        origins: dict[int, Origin] = {}
        for trace in traces:
            origin = trace.origin if isinstance(trace, Line) else trace.by
            assert origin is not None
            origins.setdefault(trace.layer, origin)
            known = hunks.setdefault(trace.layer, {})
            identifier = self._hunk(trace)
            if identifier is not None:
                known[identifier] = None
        return tuple(self._author(origin, tuple(hunks[layer])) for layer, origin in origins.items())

    def _author(self, origin: Origin, hunks: tuple[str, ...]) -> Author:
        return Author(
            name=origin.name,
            kind=EntryKind.PATCH if origin.kind is None else origin.kind,
            override=origin.override,
            by_override=origin.part is Part.OVERRIDE,
            hunks=hunks,
        )

    def _last_author(self) -> tuple[Author, ...]:
        history = self.annotated.history
        return (self._author(history[-1].origin, ()),) if history else ()

    def _hunk(self, trace: Trace) -> str | None:
        """Id of the hunk of a layer that wrote a line or took it away."""
        taken = isinstance(trace, Removed)
        key = trace.layer, taken
        if key not in self._ids:
            self._ids[key] = self._numbered(trace.layer, taken)
        number = trace.last if isinstance(trace, Removed) else trace.born
        ids = self._ids[key]
        return ids[number - 1] if number <= len(ids) else None

    def _numbered(self, layer: int, taken: bool) -> list[str | None]:
        """For every line of the file before (or after) a layer, the hunk that has it."""
        written = next((one for one in self.annotated.history if one.layer == layer), None)
        if written is None:
            # The line came from a file that was moved here later.
            return []
        hunks = file_hunks(self.objects, written.old, written.new)
        numbered: list[str | None] = []
        for identifier, hunk in zip(hunk_ids(hunks), hunks, strict=True):
            low = hunk.old_index if taken else hunk.new_index
            numbered += [None] * (low - len(numbered))
            numbered += [identifier] * (hunk.old_count if taken else hunk.new_count)
        return numbered

    def _told(
        self,
        kind: DifferenceKind,
        thing: Thing,
        authors: tuple[Author, ...],
        detail: str = "",
        *,
        line: int | None = None,
        diff: str = "",
    ) -> Difference:
        return Difference(path=self.path, kind=kind, thing=thing, line=line, authors=authors, diff=diff, detail=detail)


_WORDS = {EXECUTABLE: "an executable file", LINK: "a symbolic link", SUBMODULE: "a submodule"}


def _described(entry: Entry) -> str:
    return _WORDS.get(entry.mode, "a file")
