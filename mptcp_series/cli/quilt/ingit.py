# SPDX-License-Identifier: MIT
"""Patches edited in git: what `edit`, `refresh`, `fold`, `split` and `reorder` share there.

`edit` and `refresh` have two meanings, told apart by where they are called. Where `.pc` says that patches are applied
they are quilt's; where none are and there is a series (`--series`, the settings, `./series`), or with `--base`, `--dir`
or `--worktree`, they are about a patch of that series on a base in git. `fold` is about git where it names a patch, for
quilt's takes none.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from ...engine.editing.edited import new_reasons
from ...engine.editing.files import recover_series
from ...engine.editing.place import EditPlace
from ...engine.editing.taking import Collision, Taken
from ...engine.resolving.job import Job
from ...engine.result import Result
from ...errors import BadInput
from ...values.result import Status
from ..options import Run
from ..settings import load_settings, split_sources
from ..tables import conflict_lines, counted
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
    "told",
]

_FEW = 5
"""So many patches are named one by one."""

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


def edit_job(run: QuiltRun, others: Run, *, align: bool) -> Job:
    """The queue and the base the settings name. What a killed run left in the series directory is seen to first."""
    repo, base = others.target()
    overrides = others.overrides()
    series = others.series()
    recovered(run, series)
    return Job(
        series=series,
        repo=Path(repo),
        base=base,
        source=others.common_source(),
        sources={name: setting.value for name, setting in others.sources().items()},
        overrides=None if overrides is None else (Path(overrides),),
        align=align,
    )


def recovered(run: QuiltRun, series: Path) -> bool:
    """Whether a killed run had left a series directory half written; it is whole again now, and that is said."""
    found = recover_series(series) if series.is_dir() else None
    if found is None:
        return False
    done = "finished" if found.resumed else "undone; it had changed nothing"
    run.warn(f"a run was killed while it wrote {series}; what it had begun is {done}")
    return True


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


@contextlib.contextmanager
def told(run: QuiltRun, command: str) -> Iterator[None]:
    """Let what collides be told: with -v as it stands in the files, with --json as a document."""
    try:
        yield
    except Collision as collision:
        before, after = collision.before, collision.after
        if run.json:
            reasons = new_reasons(before, after)
            run.answer(lambda: {"command": command, "files": [], "tree": before.tree, "reasons": reasons})
        elif run.console.verbose:
            known = {patch.name for patch in before.patches if patch.conflicts}
            for patch in after.patches:
                if patch.conflicts and patch.name not in known:
                    # Without the last line: there is nothing to resolve yet.
                    run.console.report([*conflict_lines(patch)][:-1])
        raise


def tell_taken(run: QuiltRun, command: str, taken: Taken, names: tuple[str, ...]) -> None:
    """Say what was written."""
    for name in names:
        run.say(f"wrote {name}")
    for name in taken.unpinned:
        run.say(f"{name} is a patch file now, and no pin any more")
    for line in moved(taken.before, taken.result, every=run.console.verbose):
        run.say(line)
    count = len(taken.result.patches)
    written = counted(len(names), "file")
    run.say(f"{counted(count, 'patch', 'patches')} replayed on {taken.result.base.rev}; {written} written")
    if run.console.quiet:
        run.lines.clear()
    run.answer(
        lambda: {
            "command": command,
            "files": list(names),
            "unpinned": list(taken.unpinned),
            "tree": taken.result.tree,
            "reasons": new_reasons(taken.before, taken.result),
        }
    )


def moved(before: Result, after: Result, *, every: bool = True) -> Iterator[str]:
    """Patches that come about otherwise than before; many that only stand elsewhere are counted."""
    was = {patch.name: patch.status for patch in before.patches}
    found = [
        (patch.name, old, patch.status)
        for patch in after.patches
        if (old := was.get(patch.name)) is not None and old is not patch.status
    ]
    kinds = Counter((old, now) for _, old, now in found)
    many = {kind for kind, count in kinds.items() if count > _FEW and {*kind} == {Status.CLEAN, Status.OFFSET}}
    unnamed = set() if every else many
    for name, old, now in found:
        if (old, now) not in unnamed:
            yield f"{name}: {old.value} before, {now.value} now"
    for old, now in sorted(unnamed, key=lambda kind: kind[0].value):
        count = counted(kinds[old, now], "patch", "patches")
        yield f"{count}: {old.value} before, {now.value} now (-v names them)"
