# SPDX-License-Identifier: MIT
"""`mptcp-series matrix`: `check` on many bases at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..engine.matrix import matrix as run_matrix
from ..engine.store.files import replace_file
from ..values.matrix import Matrix, heat_map
from ..values.result import COUNT_ORDER
from .bases import named_bases, queue_spec, require_rows
from .console import printable
from .options import NO_ALIGN, Run, takes
from .tables import counted

__all__ = ["matrix"]


@click.command(short_help="Check the queue on many bases at once.")
@click.option(
    "--bases",
    "patterns",
    metavar="PATTERNS",
    multiple=True,
    required=True,
    help="Revisions, globs, ranges of releases (v5.10.66..v5.10.100), lists of these, or @FILE. Repeatable.",
)
@click.option("--in", "repos", metavar="REPO", multiple=True, help="Look for bases in this repository too. Repeatable.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes to use. Default: one a core.")
@click.option("--svg", metavar="FILE", help="Write the picture: patches across, bases down.")
@NO_ALIGN
@takes("source", "repo", "series", "overrides")
def matrix(
    run: Run, patterns: tuple[str, ...], repos: tuple[str, ...], jobs: int | None, svg: str | None, no_align: bool
) -> None:
    """Replay the queue on every base that the patterns name. Nothing is written but the picture.

    Bases that hold the same files share the work.

    Exit status 1: some base needs a person. 2: some base is none that can be checked. 3: objects of a base are missing.
    """
    spec = queue_spec(run, align=not no_align)
    bases = named_bases(run, patterns, repos)
    with run.console.progress("bases") as progress:
        found = run_matrix(spec, bases, workers=jobs, progress=progress)
    if svg is not None:
        replace_file(Path(svg), heat_map(found).encode())
    run.answer(document=found.to_json, report=lambda: _lines(found, run.console.verbose))
    require_rows(found.rows)


def _lines(found: Matrix, verbose: bool) -> Iterator[str]:
    yield click.style(f"{found.series} on {counted(len(found.rows), 'base')}", bold=True)
    yield ""
    width = max([len(row.base.rev) for row in found.rows] + [4])
    heads = [status.value for status in COUNT_ORDER]
    yield f"{'base':<{width}}  " + "  ".join(heads) + "  restore  lost"
    for row in found.rows:
        if row.error is not None:
            yield f"{printable(row.base.rev):<{width}}  {click.style(printable(row.error), fg='red')}"
            continue
        cells = [f"{row.counts[head]:>{len(head)}}" for head in heads]
        line = f"{printable(row.base.rev):<{width}}  " + "  ".join(cells)
        line += f"  {row.restore_conflicts:>7}  {len(row.lost):>4}"
        yield click.style(line, fg="red") if row.needs_person else line
        if verbose:
            yield from (f"{'':<{width}}  {printable(reason)}" for reason in row.reasons)
    yield ""
    good = sum(not row.needs_person and row.error is None for row in found.rows)
    yield f"{good} of {counted(len(found.rows), 'base')} done without a person"
    if any(row.error is None and row.restore_conflicts for row in found.rows):
        yield "restore: of the conflicts, those of changes of the base put back at the queue's end"
