# SPDX-License-Identifier: MIT
"""`mptcp-series check`: the replay without its consequences, to be run on every base before anyone is surprised."""

from __future__ import annotations

import click

from ..engine.result import Result
from .inputs import replay
from .options import NO_ALIGN, Run, takes
from .tables import later_lines, result_lines

__all__ = ["check"]


@click.command(short_help="Dry run on a base: the status of every patch.")
@NO_ALIGN
@takes("source", "repo", "base", "series", "overrides")
def check(run: Run, no_align: bool) -> None:
    """Replay the queue on a base and say what becomes of every patch. Nothing is written.

    Rows are shown for patches that are not clean; -v shows all. A conflict does not end the replay: the patch's own
    lines are taken there, so that later conflicts are those that will really be met.

    Exit status 1: a conflict, a drifted override or a lost fix needs a person.
    """
    result = replay(run, align=not no_align)
    verbose = run.console.verbose
    run.answer(
        document=lambda: _document(result),
        report=lambda: result_lines(
            result, verbose=verbose, closing=later_lines(result.later_targets(), verbose=verbose)
        ),
    )
    result.require()


def _document(result: Result) -> dict[str, object]:
    """The result's own document, with the later targets in its account of the alignment."""
    document = result.to_json("check")
    alignment = dict(result.alignment.to_json())
    return {**document, "alignment": {**alignment, "later": result.later_targets().to_json()}}
