# SPDX-License-Identifier: MIT
"""`mptcp-series rebase`: the queue moved to a new base, with the account that goes into the pull request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import click

from ..engine.rebase import Rebase
from ..engine.rebase import rebase as run_rebase
from ..engine.store.files import replace_file
from ..engine.store.repository import plain_directory
from ..values.rebased import PatchMove
from .console import Progress, printable
from .inputs import load_queue
from .options import FUZZ, NO_ALIGN, Run, takes
from .tables import conflict_lines, counted, was

__all__ = ["rebase"]


@click.command(short_help="Move the queue to a new base, and say what changed and why.")
@click.option("--from", "before", metavar="BASE", required=True, help="The base the queue is good on.")
@click.option("--to", "after", metavar="BASE", required=True, help="The base it is to be good on.")
@click.option("--branch", metavar="NAME", help="Write the queue on the new base to this branch.")
@click.option("--rewrite", metavar="DIR", help="Bring this directory of exported patches to the new base.")
@click.option("--report", "place", metavar="FILE", help="Write the account as Markdown, for a pull request.")
@NO_ALIGN
@FUZZ
@takes("source", "repo", "series", "overrides")
def rebase(
    run: Run,
    before: str,
    after: str,
    branch: str | None,
    rewrite: str | None,
    place: str | None,
    no_align: bool,
    fuzz: int,
) -> None:
    """Replay the queue on both bases and compare it patch by patch. A base is a revision or a source directory.

    A hunk that only stands elsewhere has not changed. What the new base brings, such as a patch that is upstream
    there or in conflict, is followed to the release, and where the history is there to the commit, that does it.

    --rewrite keeps every patch file byte for byte that still leads to the same, and writes the series file last.

    Exit status 1: the new base needs a person; --branch and --rewrite wrote nothing.
    """
    if rewrite is not None and not Path(rewrite).is_dir():
        raise click.UsageError(f"--rewrite: {rewrite} is no directory; `export --format quilt` makes one")
    if branch is not None and plain_directory(after) is not None:
        raise click.UsageError(f"--branch: {after} is a directory without git; `apply --repo {after}` patches it")
    with run.console.progress("replays") as step:
        moved = run_rebase(
            load_queue(run),
            _repository(run, before, after),
            before=before,
            after=after,
            align=not no_align,
            fuzz=fuzz,
            progress=_told(run, step),
        )
    written: tuple[Path, ...] = ()
    if moved.after.complete:
        # Files first: a directory that is not of this queue is refused before the branch moves.
        if rewrite is not None:
            written = moved.rewrite(Path(rewrite))
        if branch is not None:
            moved = attrs.evolve(moved, after=moved.after.write_branch(branch))
    if place is not None:
        replace_file(Path(place), moved.account.to_markdown().encode("utf-8", "backslashreplace"))
    run.answer(
        document=lambda: {
            **moved.account.to_json(),
            "branch": branch if moved.after.complete else None,
            "rewritten": [str(path) for path in written],
        },
        report=lambda: _lines(moved, run.console.verbose, branch, rewrite, written),
    )
    moved.after.require()


def _repository(run: Run, before: str, after: str) -> str | None:
    """Where revisions are; two directories need none."""
    plain = all(plain_directory(base) is not None for base in (before, after))
    named = "repo" in run.settings.given or "source" in run.settings.given
    return None if plain and not named else run.repo()


def _told(run: Run, step: Progress) -> Callable[[str], None]:
    """Says each base that the queue is replayed on; how many there will be is not known before."""
    done = itertools.count()

    def tell(base: str) -> None:
        run.console.note(f"replay on {base}")
        step(next(done), None)

    return tell


def _lines(
    moved: Rebase, verbose: bool, branch: str | None, rewrite: str | None, written: tuple[Path, ...]
) -> Iterator[str]:
    account = moved.account
    yield click.style(printable(f"{account.series}: {account.before.rev} to {account.after.rev}"), bold=True)
    yield from (f"{click.style('note:', fg='yellow')} {printable(note)}" for note in account.notes)
    shown = [patch for patch in account.patches if verbose or patch.move.worth_telling]
    if shown:
        yield ""
    for patch in shown:
        yield from _row(patch)
    for outcome in moved.after.patches:
        yield from conflict_lines(outcome, verbose=verbose)
    yield ""
    yield f"{counted(len(account.patches), 'entry', 'entries')}: " + (
        ", ".join(f"{count} {move}" for move, count in account.counts.items()) or "none"
    )
    for file, move in account.overrides:
        yield printable(f"override {move.value}: {file}")
    if not moved.after.complete:
        return
    if branch is not None:
        yield f"branch {printable(branch)}: tip {moved.after.commit}{was(moved.after)}"
    if rewrite is not None:
        yield f"{counted(len(written), 'file')} of {printable(rewrite)} rewritten"


def _row(patch: PatchMove) -> Iterator[str]:
    since = "" if patch.since is None else f" (since {patch.since})"
    if patch.since is not None and patch.since.backwards:
        since = f" ({patch.since})"
    yield printable(f"{patch.move.value}: {patch.name}{since}")
    yield from (printable(f"  {path}") for path in patch.paths)
