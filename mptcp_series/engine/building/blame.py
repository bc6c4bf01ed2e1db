# SPDX-License-Identifier: MIT
"""Lays what a compiler said at the patch that brought it, by the authors of lines in memory.

First the line itself; then the lines that use it, where a macro or a header is only the place at which it shows; then,
for a line of the base, the patch that took away or changed what that line uses. Where none of these is found the
message is nobody's, and said to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from ...values.built import Blame
from ...values.diagnostic import Diagnostic, Place
from ..proof.annotate import Annotated, Annotator
from ..result import Result

__all__ = ["Blamer"]

_WORD = re.compile(rb"[A-Za-z_]\w+")
_QUOTED = re.compile(r"'(?:(?:const|struct|union|enum) )*(\w+)'")
_EXPANDED = ("in expansion of macro", "expanded from macro", "in definition of macro")
_COMMON = frozenset(
    b"auto bool break case char const continue default do double else enum extern false float for goto if inline int "
    b"long register return short signed sizeof static struct switch true typedef union unsigned void volatile while "
    b"define include ifdef ifndef endif defined NULL".split()
)


class Blamer:
    """The authors of a result's lines, and of the lines it took away."""

    def __init__(self, result: Result, *, upto: int | None = None) -> None:
        """upto: look at the tree after this many commits of the result; default all."""
        self._annotator = Annotator.of(result, upto=upto)
        self._files: dict[str, Annotated] = {}

    def lay(self, diagnostic: Diagnostic) -> tuple[str | None, Blame]:
        """The entry of the queue a message is laid at, and how."""
        name = self._author(diagnostic.place)
        if name is not None:
            return name, Blame.LINE
        for note in diagnostic.notes:
            if note.message.startswith(_EXPANDED) and (name := self._author(note.place)) is not None:
                return name, Blame.USE
        for note in diagnostic.notes:
            # "declared here", "expected 'x' but argument is of type": the patch that changed what the line uses.
            if not note.message.startswith(_EXPANDED) and (name := self._author(note.place)) is not None:
                return name, Blame.REMOVED
        for words in self._names(diagnostic):
            found = [self._removed[word] for word in words if word in self._removed]
            if found:
                return max(found)[1], Blame.REMOVED
        for place in diagnostic.includes:
            if (name := self._author(place)) is not None:
                return name, Blame.USE
        return None, Blame.NOBODY

    def _author(self, place: Place | None) -> str | None:
        if place is None or place.path not in self._touched:
            return None
        found = self._annotated(place.path)
        return found.name(place.line) if place.line <= len(found.lines) and place.line > 0 else None

    def _names(self, diagnostic: Diagnostic) -> Iterator[set[bytes]]:
        """The names a message is about, the surest first: what it misses, what it quotes, what stands in its line."""
        missing = diagnostic.missing
        if missing is not None:
            yield {missing.name.encode()}
        yield {word.encode() for word in _QUOTED.findall(diagnostic.message)} - _COMMON
        place = diagnostic.place
        if place is not None and place.path in self._touched:
            lines = self._annotated(place.path).lines
            if 0 < place.line <= len(lines):
                yield set(_WORD.findall(lines[place.line - 1].text)) - _COMMON

    @cached_property
    def _touched(self) -> frozenset[str]:
        return frozenset(self._annotator.paths)

    @cached_property
    def _removed(self) -> dict[bytes, tuple[int, str]]:
        """For every word of a line that was taken away: the last layer that took one away, and its entry."""
        found: dict[bytes, tuple[int, str]] = {}
        for path in sorted(self._touched):
            for places in self._annotated(path).removed.values():
                for gone in places:
                    for word in _WORD.findall(gone.line.text):
                        found[word] = max(found.get(word, (-1, "")), (gone.layer, gone.by.name))
        return found

    def _annotated(self, path: str) -> Annotated:
        found = self._files.get(path)
        if found is None:
            found = self._files[path] = self._annotator.file(path)
        return found
