# SPDX-License-Identifier: MIT
"""graph: which applied patch stands on which other, as dot(1) draws it.

A patch depends on the last one before it that changed the same file; by lines, on the last one whose lines in it
overlap with its own. Nodes, edges and attributes are quilt's, so that what draws its graphs draws these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache

import attrs

from .diffs import hunks_text
from .files import Files, blob_of
from .queue import Quilt
from .settings import DiffFormat

__all__ = ["Edge", "Graph", "graph"]

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)

Ranges = Sequence[tuple[int, int]]


@attrs.frozen(kw_only=True)
class Edge:
    """A patch that stands on an earlier one, by their places among the applied patches; and the files in which."""

    patch: int
    on: int
    files: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Graph:
    """Applied patches and their edges; selected: the one that it is about."""

    names: tuple[str, ...]
    edges: tuple[Edge, ...]
    selected: int | None = None

    @property
    def nodes(self) -> tuple[int, ...]:
        """Patches with an edge, and the selected one."""
        used = {number for edge in self.edges for number in (edge.patch, edge.on)}
        return tuple(sorted(used if self.selected is None else used | {self.selected}))

    def reduced(self) -> Graph:
        """Without edges that a way over others makes superfluous (tred(1))."""
        on: dict[int, list[int]] = {}
        for edge in self.edges:
            on.setdefault(edge.patch, []).append(edge.on)

        @cache
        def below(number: int) -> frozenset[int]:
            return frozenset(one for direct in on.get(number, ()) for one in (direct, *below(direct)))

        kept = [
            edge
            for edge in self.edges
            if not any(edge.on in below(other) for other in on[edge.patch] if other != edge.on)
        ]
        return attrs.evolve(self, edges=tuple(kept))

    def dot(self, *, labels: bool = False) -> str:
        """The graph in dot's language. labels: edges with their files."""
        connected = {number for edge in self.edges for number in (edge.patch, edge.on)}
        lines = ["digraph dependencies {"]
        for number in self.nodes:
            attributes = ["style=bold"] if number == self.selected else []
            attributes += [] if number in connected else ["color=grey"]
            attributes.append(f"label={_quoted(self.names[number])}")
            lines.append(f"\tn{number} [{','.join(attributes)}];")
        for edge in self.edges:
            attributes = [f"label={_quoted(*edge.files)}"] if labels else []
            # For neato, as in quilt.
            attributes.append(f'len="{math.log(edge.patch - edge.on + 3):.2f}"')
            lines.append(f"\tn{edge.on} -> n{edge.patch} [{','.join(attributes)}];")
        return "".join(f"{line}\n" for line in (*lines, "}"))


def _quoted(*names: str) -> str:
    return '"' + "\\n".join(name.replace("\\", "\\\\").replace('"', '\\"') for name in names) + '"'


def graph(quilt: Quilt, selected: str | None, *, lines: int | None = None) -> Graph:
    """What depends on what among the applied patches. Nothing is written.

    selected: only by the files of this patch. lines: by overlapping lines, with so many of context.
    """
    names = quilt.applied
    about = None if selected is None else frozenset(quilt.state.files(selected))
    ranges = _Ranges(quilt, 0 if lines is None else lines)
    earlier: dict[str, list[int]] = {}
    edges: dict[tuple[int, int], list[str]] = {}
    for number, name in enumerate(names):
        for path in quilt.state.files(name):
            if about is not None and path not in about:
                continue
            before = earlier.setdefault(path, [])
            candidates = before[-1:] if lines is None else reversed(before)
            on = next((one for one in candidates if lines is None or ranges.meet(names[one], name, path)), None)
            if on is not None:
                edges.setdefault((number, on), []).append(path)
            before.append(number)
    return Graph(
        names=names,
        edges=tuple(Edge(patch=patch, on=on, files=tuple(files)) for (patch, on), files in sorted(edges.items())),
        selected=None if selected is None else names.index(selected),
    )


class _Ranges:
    """The lines that patches change, with context."""

    def __init__(self, quilt: Quilt, context: int) -> None:
        self._quilt = quilt
        self._format = DiffFormat(context=context)
        self._now = Files(quilt.rooted)
        self._known: dict[tuple[str, str], tuple[Ranges, Ranges]] = {}

    def meet(self, earlier: str, later: str, path: str) -> bool:
        """Whether the lines one patch makes of a file overlap with those that a later one takes (as quilt counts)."""
        _, made = self._of(earlier, path)
        taken, _ = self._of(later, path)
        return any(one[0] == other[0] or (one[0] < other[1] and other[0] < one[1]) for one in made for other in taken)

    def _of(self, patch: str, path: str) -> tuple[Ranges, Ranges]:
        known = self._known.get((patch, path))
        if known is None:
            above = self._quilt.state.next_for(patch, path)
            old = blob_of(self._quilt.state.backup(patch, path))
            new = blob_of(self._now.get(path) if above is None else self._quilt.state.backup(above, path))
            spans = [
                tuple(1 if number is None else int(number) for number in match.groups())
                for match in _HUNK.finditer(hunks_text(old, new, self._format))
            ]
            known = self._known[patch, path] = (
                [(at, at + count) for at, count, _, _ in spans],
                [(at, at + count) for _, _, at, count in spans],
            )
        return known
