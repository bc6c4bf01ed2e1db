# SPDX-License-Identifier: MIT
"""The report as one HTML file that works from a disk, without network; diffs are laid out when they are opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import jinja2
from markupsafe import Markup

from ...values.matrix import Matrix
from ...values.report import OverridePage, PatchPage, Report, Row
from ...values.result import COUNT_ORDER
from ..console import visible
from .words import Line, hunk_lines, plain_lines

__all__ = ["render_html"]

_HERE = Path(__file__).parent

_MEANINGS: Mapping[str, str] = {
    "clean": "the files were those the patch was made for",
    "offset": "placed with all its context, at other lines",
    "merged": "three-way merge; the context differed",
    "overridden": "an override changed it here",
    "upstream": "the base has all of it already",
    "skipped": "left out by an override or the recipe",
    "conflict": "a person has to settle it",
    "applied, present, dropped": "of hunks: in the result by its patch; there before; left out",
    "retracted": "the base's own change to files of the stack, taken out before the first patch",
    "restored": "a retracted change that no patch brings, put back behind the last: picked from upstream, or carried",
    "acknowledged, lost": "a retracted change that is not put back: a person accepted that, or still has to",
    "drift": "an override that does not fit any more",
}
"""The words of docs/explanation/accounting.md and alignment.md, for a reader who has the page only."""


def render_html(report: Report) -> bytes:
    """The whole page, UTF-8; the same bytes for the same report."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("page.html.j2").render(
        report=report,
        style=Markup((_HERE / "page.css").read_text()),
        script=Markup((_HERE / "page.js").read_text()),
        data=_data(report.patches),
        overrides=[_OverrideView.of(override) for override in report.overrides],
        statuses=[status.value for status in COUNT_ORDER],
        meanings=_MEANINGS,
        strips=[] if report.matrix is None else _strips(report.matrix),
        anchors={patch.name: f"p{number}" for number, patch in enumerate(report.patches, 1)},
        override_anchors={override.file: f"o{number}" for number, override in enumerate(report.overrides, 1)},
        tops=_tops(report.patches),
    )
    return visible(page).encode("utf-8", "backslashreplace")


def _data(patches: Sequence[PatchPage]) -> Markup:
    """Messages and diffs, which the page lays out when a patch is opened."""
    found = [[patch.message, patch.diff, [list(conflict) for conflict in patch.conflicts]] for patch in patches]
    text = json.dumps(_visible(found), ensure_ascii=False, separators=(",", ":"))
    # Nothing may end the element it stands in, and old readers take these two for line ends.
    for character, escaped in (("<", "\\u003c"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(character, escaped)
    return Markup(text)


def _visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else [_visible(one) for one in value]


def _tops(patches: Sequence[PatchPage]) -> list[str]:
    """The directories to filter by: of every path the two first parts, or fewer."""
    return sorted(
        {"/".join(path.split("/")[:-1][:2]) + "/" for patch in patches for path in patch.paths if "/" in path}
    )


@attrs.frozen(kw_only=True)
class _RowView:
    """One place of an override, its three columns as lines of HTML."""

    row: Row
    upstream: tuple[Line, ...]
    base: tuple[Line, ...]
    ours: tuple[Line, ...]


@attrs.frozen(kw_only=True)
class _OverrideView:
    page: OverridePage
    rows: tuple[_RowView, ...]

    @classmethod
    def of(cls, page: OverridePage) -> _OverrideView:
        return cls(page=page, rows=tuple(map(_row, page.rows)))


def _row(row: Row) -> _RowView:
    return _RowView(
        row=row,
        upstream=() if row.upstream is None else hunk_lines(row.upstream, row.path),
        base=() if row.base is None else plain_lines(row.base.start, row.base.lines, row.path),
        ours=() if row.ours is None else hunk_lines(row.ours, row.path),
    )


@attrs.frozen(kw_only=True)
class _Strip:
    """One base of the matrix: a background of one colour for each run of patches of one status."""

    rev: str
    error: str | None
    needs_person: bool
    counts: Mapping[str, int]
    runs: tuple[tuple[str, int, str], ...]
    """Status, how many patches, and the first of them."""


def _strips(matrix: Matrix) -> list[_Strip]:
    return [
        _Strip(
            rev=row.base.rev,
            error=row.error,
            needs_person=row.needs_person,
            counts=row.counts,
            runs=tuple(_runs([(name, status.value) for name, status in row.statuses])),
        )
        for row in matrix.rows
    ]


def _runs(statuses: Sequence[tuple[str, str]]) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    for name, status in statuses:
        if found and found[-1][0] == status:
            found[-1] = (status, found[-1][1] + 1, found[-1][2])
        else:
            found.append((status, 1, name))
    return found
