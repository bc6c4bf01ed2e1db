# SPDX-License-Identifier: MIT
"""`mptcp-series check`: the replay without its consequences, to be run on every base before anyone is surprised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..values.result import EntryKind, Status
from ..values.writeup import WriteUp
from .console import printable
from .inputs import head_start, load_queue
from .options import FUZZ, NO_ALIGN, Run, takes
from .tables import counted, later_lines, result_lines

if TYPE_CHECKING:
    from ..engine.result import Result

__all__ = ["check"]


@click.command(short_help="Dry run on a base: the status of every patch.")
@NO_ALIGN
@FUZZ
@takes("source", "repo", "base", "series", "overrides")
def check(run: Run, no_align: bool, fuzz: int) -> None:
    """Replay the queue on a base and say what becomes of every patch. Nothing is written.

    A row is shown for each patch that did not go in as it was made: merged, changed or left out by an override,
    there already, or in conflict. -v shows all. A conflict does not end the replay: the patch's own lines are taken
    there, so that later conflicts are those that will really be met.

    Exit status 1: a conflict, a drifted override or a lost fix needs a person.
    """
    ahead = head_start(run)
    # The base first: what is cheap to get wrong is told before a queue is read.
    repo, base = run.target()
    queue = load_queue(run, ahead)
    result = queue.apply(repo, base=base, align=not no_align, fuzz=fuzz)
    written = queue.recipe.write_up if queue.recipe is not None else None
    verbose = run.console.verbose
    run.answer(
        document=lambda: _document(result, written),
        report=lambda: result_lines(result, verbose=verbose, closing=_closing(result, written, verbose)),
    )
    result.require()


def _closing(result: Result, written: WriteUp | None, verbose: bool) -> Iterator[str]:
    later = result.later_targets()
    yield from later_lines(later, verbose=verbose)
    back = any(patch.kind is EntryKind.RESTORE and patch.conflicts for patch in result.patches)
    if later.target is not None and (back or result.alignment.lost):
        # Before anybody settles by hand what upstream has settled.
        yield f"next: end `range`, and `target`, at {later.target} in recipe.toml; then mptcp-series extract"
    if written is not None:
        yield from _write_up_lines(written, result)
    if result.complete:
        branch = "" if result.base.commit is None else " --branch NAME"
        yield f"nothing here needs a person; next: mptcp-series apply{branch}"


def _write_up_lines(written: WriteUp, result: Result) -> Iterator[str]:
    """The numbers of the recipe's write-up beside those of this base, and why they differ."""
    found = _found(result)
    yield f"write-up: {written.spoken}"
    here = f"{counted(found['patches'], 'patch', 'patches')} of the series, {found['restored']} restored"
    yield f"  found: {here}; {found['conflicts']} in conflict, {found['overridden']} answered by an override"
    yield from (f"  {printable(line)}".rstrip() for line in written.text.strip().splitlines())


def _found(result: Result) -> dict[str, int]:
    """What the write-up's numbers are held against: patches of the series, and conflicts as people meet them."""
    patches = [patch for patch in result.patches if patch.kind is not EntryKind.ALIGN]
    restored = sum(patch.kind is EntryKind.RESTORE for patch in patches)
    return {
        "patches": len(patches) - restored,
        "restored": restored,
        "conflicts": sum(patch.status is Status.CONFLICT for patch in patches),
        "overridden": sum(patch.status is Status.OVERRIDDEN for patch in patches),
    }


def _document(result: Result, written: WriteUp | None) -> dict[str, object]:
    """The result's own document, with the later targets in its account of the alignment, and what was written up."""
    document = result.to_json("check")
    alignment = dict(result.alignment.to_json())
    document = {**document, "alignment": {**alignment, "later": result.later_targets().to_json()}}
    if written is None:
        return document
    said = {"patches": written.patches, "conflicts": list(written.conflicts), "text": written.text.strip()}
    return {**document, "write_up": {**said, "found": _found(result)}}
