# SPDX-License-Identifier: MIT
"""Patches edited in git: what `edit`, `refresh`, `fold`, `split` and `reorder` share there.

`edit` and `refresh` have two meanings, told apart by where they are called. Where `.pc` says that patches are applied
they are quilt's; where none are and there is a series (`--series`, the settings, `./series`), or with `--base`, `--dir`
or `--worktree`, they are about a patch of that series on a base in git. `fold` is about git where it names a patch, for
quilt's takes none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from ...engine.editing.edited import new_reasons
from ...engine.editing.place import EditPlace
from ...engine.editing.taking import Taken
from ...engine.resolving.job import Job
from ...engine.result import Result
from ...errors import BadInput
from ..options import Run
from ..settings import load_settings, split_sources
from ..tables import counted
from .command import IN_GIT
from .run import QuiltRun

__all__ = [
    "BASE",
    "DIRECTORY",
    "NO_ALIGN",
    "OVERRIDES",
    "edit_job",
    "edit_place",
    "ends_as_others",
    "git_run",
    "tell_taken",
]

PLACES = Path(".mptcp-series/edit")

BASE = click.option("--base", metavar="REV", help="In git: what is patched, a revision of --repo.")
OVERRIDES = click.option("--overrides", metavar="DIR", help="In git: directory of override files.")
DIRECTORY = click.option("--dir", "directory", metavar="DIR", help="In git: where. Default: .mptcp-series/edit/NAME.")
NO_ALIGN = click.option("--no-align", is_flag=True, help="In git: do not align owned paths first.")


def ends_as_others() -> None:
    """From here on the verb is about git, and ends as the other commands do: bad input is 2."""
    click.get_current_context().meta[IN_GIT] = True


def git_run(run: QuiltRun, base: str | None, overrides: str | None) -> Run:
    """The settings of the other commands, for a verb that is about git."""
    ends_as_others()
    given: dict[str, str | None] = dict(run.given)
    source, own = split_sources([] if given["source"] is None else [given["source"]])
    given |= {"source": source, "base": base, "overrides": overrides}
    return Run(settings=load_settings(given, os.environ, Path.cwd(), own), console=run.console, json=run.json)


def edit_job(run: Run, *, align: bool) -> Job:
    """The queue and the base the settings name."""
    repo, base = run.target()
    overrides = run.overrides()
    return Job(
        series=run.series(),
        repo=Path(repo),
        base=base,
        source=run.common_source(),
        sources={name: setting.value for name, setting in run.sources().items()},
        overrides=None if overrides is None else (Path(overrides),),
        align=align,
    )


def edit_place(run: Run, directory: str | None, worktree: str | None = None) -> EditPlace:
    """Where a patch is edited, or is to be."""
    if directory is not None and worktree is not None:
        raise BadInput("--dir and --worktree exclude each other")
    if worktree is not None:
        return EditPlace(directory=Path(worktree), checkout=True)
    if directory is not None:
        return EditPlace.find(Path(directory)) or EditPlace(directory=Path(directory))
    here = sorted(path for path in PLACES.glob("*") if EditPlace.find(path) is not None)
    if len(here) == 1 and run.settings.optional("series") is None:
        return EditPlace(directory=here[0])
    return EditPlace(directory=PLACES / run.series().resolve().name)


def tell_taken(run: QuiltRun, command: str, taken: Taken, names: tuple[str, ...]) -> None:
    """Say what was written."""
    for name in names:
        run.say(f"wrote {name}")
    for name in taken.unpinned:
        run.say(f"{name} is a patch file now, and no pin any more")
    for line in moved(taken.before, taken.result):
        run.say(line)
    count = len(taken.result.patches)
    written = counted(len(names), "file")
    run.say(f"{counted(count, 'patch', 'patches')} replayed on {taken.result.base.rev}; {written} written")
    run.answer(
        lambda: {
            "command": command,
            "files": list(names),
            "unpinned": list(taken.unpinned),
            "tree": taken.result.tree,
            "reasons": new_reasons(taken.before, taken.result),
        }
    )


def moved(before: Result, after: Result) -> Iterator[str]:
    """Patches that come about otherwise than before."""
    was = {patch.name: patch.status for patch in before.patches}
    for patch in after.patches:
        old = was.get(patch.name)
        if old is not None and old is not patch.status:
            yield f"{patch.name}: {old.value} before, {patch.status.value} now"
