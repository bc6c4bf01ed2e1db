# SPDX-License-Identifier: MIT
"""`mptcp-series fetch`: what a recipe needs of upstream, without a clone of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from ..engine.upstream.fetch import fetch as bring
from .console import Console, Progress, printable
from .inputs import load_recipe
from .inspection import overrides_of
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["STABLE", "fetch"]

STABLE = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git"


@click.command(short_help="Bring what a recipe needs of upstream into a local source.")
@click.option("--origin", metavar="URL", default=STABLE, show_default=True, help="Repository to fetch from.")
@click.option("--bases", metavar="REV", multiple=True, help="Bring what this base needs too; may be given again.")
@takes("source", "series", "overrides")
def fetch(run: Run, origin: str, bases: tuple[str, ...]) -> None:
    """Fetch the recipe's range into the source: a bare clone without blobs, then the blobs the queue needs.

    The source is made if it is not there. A fetch that was cut off goes on where it stopped.
    """
    recipe = load_recipe(run.series())
    source = Path(run.required("source"))
    # Files the overrides ask about or change are read on every base.
    overrides = overrides_of(run)
    paths = {condition.path for one in overrides for condition in one.override.when}
    paths.update(path for one in overrides for path in one.diff_paths)
    with run.console.progress("fetching") as progress:
        found = bring(recipe, origin, source, bases=bases, paths=sorted(paths), progress=_staged(run.console, progress))
    again = " (resumed)" if found.resumed else ""
    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "fetch",
            "origin": origin,
            "repository": str(found.repository),
            "commits": found.commits,
            "blobs": found.blobs,
            "resumed": found.resumed,
            "notes": found.notes,
        },
        report=lambda: [
            *(printable(note) for note in found.notes),
            f"{found.repository}: {counted(found.commits, 'commit')}, {counted(found.blobs, 'blob')}{again}",
        ],
    )


def _staged(console: Console, progress: Progress) -> Callable[[str, int, int], None]:
    """One bar for all stages; `-v` names each as it begins."""
    stages: list[str] = []

    def step(stage: str, done: int, total: int) -> None:
        if stage not in stages:
            stages.append(stage)
            console.note(f"fetch: {stage}")
        progress(done, total or None)

    return step
