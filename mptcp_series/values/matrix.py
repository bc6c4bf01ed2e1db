# SPDX-License-Identifier: MIT
"""What became of a queue on many bases: one row a base, and a picture of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import attrs

from .result import BaseInfo, Status

__all__ = ["Matrix", "MatrixRow", "heat_map"]


@attrs.frozen(kw_only=True)
class MatrixRow:
    """One base. Where the run could not start, `error` says why and the rest is empty."""

    repo: str
    base: BaseInfo
    counts: Mapping[str, int] = attrs.field(factory=dict)
    tree: str | None = None
    statuses: tuple[tuple[str, Status], ...] = ()
    """Status of every entry by name, in the order of the queue; align entries are left out."""
    conflicts: tuple[str, ...] = ()
    """`patch: path`, restored changes included."""
    restore_conflicts: int = 0
    """How many entries in conflict restore a change of the base, rather than replay the queue."""
    overrides: tuple[str, ...] = ()
    """Files of the overrides that were used."""
    lost: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    error: str | None = None
    fault: bool = False
    """Whether the error is that of the surroundings (an object that is missing), and not of the base."""

    @property
    def needs_person(self) -> bool:
        return bool(self.reasons)

    def to_json(self) -> Mapping[str, object]:
        return {
            "repo": self.repo,
            "base": self.base.to_json(),
            "counts": dict(self.counts),
            "result": {"commit": None, "tree": self.tree, "branch": None},
            "conflicts": list(self.conflicts),
            "overrides": list(self.overrides),
            "restore_conflicts": self.restore_conflicts,
            "lost": list(self.lost),
            "error": self.error,
        }


@attrs.frozen(kw_only=True)
class Matrix:
    """All rows, in the order the bases were given."""

    series: str
    rows: tuple[MatrixRow, ...]

    def to_json(self) -> Mapping[str, object]:
        return {
            "schema": 1,
            "command": "matrix",
            "series": self.series,
            "bases": [row.to_json() for row in self.rows],
        }


_COLOURS: Mapping[Status, str] = {
    Status.CLEAN: "#d9ead3",
    Status.OFFSET: "#b6d7a8",
    Status.MERGED: "#6fa8dc",
    Status.OVERRIDDEN: "#b4a7d6",
    Status.UPSTREAM: "#eeeeee",
    Status.SKIPPED: "#cccccc",
    Status.CONFLICT: "#cc0000",
}
_CELL = 6
_LEFT = 150
_TOP = 40


def heat_map(matrix: Matrix) -> str:
    """Patches across, bases down, a coloured cell for each status; a standalone SVG document.

    Every cell has its base, patch and status as a title, so that the picture can be asked.
    """
    names: Sequence[str] = list(dict.fromkeys(name for row in matrix.rows for name, _ in row.statuses))
    column = {name: at for at, name in enumerate(names)}
    width = _LEFT + max(len(names) * _CELL, 480) + 20
    height = _TOP + len(matrix.rows) * (_CELL + 8) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f"<title>{_text(matrix.series)}: {len(names)} patches on {len(matrix.rows)} bases</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    at = _LEFT
    for status, colour in _COLOURS.items():
        out.append(f'<rect x="{at}" y="8" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{at + 14}" y="17">{status.value}</text>')
        at += 68
    for line, row in enumerate(matrix.rows):
        y = _TOP + line * (_CELL + 8)
        out.append(f'<text x="4" y="{y + 9}">{_text(row.base.rev)}</text>')
        if row.error is not None:
            out.append(f'<text x="{_LEFT}" y="{y + 9}" fill="#cc0000">{_text(row.error)}</text>')
        for name, status in row.statuses:
            out.append(
                f'<rect x="{_LEFT + column[name] * _CELL}" y="{y}" width="{_CELL - 1}" height="{_CELL + 6}" '
                f'fill="{_COLOURS[status]}">'
                f"<title>{_text(row.base.rev)}: {_text(name)}: {status.value}</title></rect>"
            )
    return "\n".join([*out, "</svg>", ""])


def _text(text: str) -> str:
    """Text as XML can hold it: no byte that is not UTF-8 and no control character, which are shown as escapes."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return escape("".join(character if character.isprintable() else _escaped(character) for character in shown))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
