# SPDX-License-Identifier: MIT
"""What several commands read before they start: the queue, the recipe, a result on a base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..engine.store.ahead import PinnedChanges
from ..engine.store.files import read_input
from ..errors import BadInput, BadRecipe
from ..values.person import Person
from .options import Run

if TYPE_CHECKING:
    from ..engine.queue import Queue
    from ..engine.result import Result
    from ..values.recipe import Recipe

__all__ = ["head_start", "load_queue", "load_recipe", "replay"]


def head_start(run: Run) -> PinnedChanges | None:
    """Have git look at what the series pins, while the rest of the program is being loaded.

    What is wrong with the settings is told by whoever needs them.
    """
    try:
        source, series = run.source_setting(), Path(run.settings.series().value)
    except BadInput:
        return None
    ahead = None if source is None else PinnedChanges.begin(source.value, series)
    if ahead is not None:
        click.get_current_context().call_on_close(ahead.end)
    return ahead


def load_queue(run: Run, ahead: PinnedChanges | None = None) -> Queue:
    """The queue the settings name."""
    import pygit2  # git is given its head start first

    from ..engine.queue import Queue

    # libgit2 hashes each object it reads, which takes four times as long as reading it. git does not; zlib's own
    # checksum stands in both. A choice for the whole process, so it is the program's and not the library's.
    pygit2.settings.enable_strict_hash_verification(False)
    return Queue.load(
        run.series(), overrides=run.overrides(), source=run.common_source(), sources=load_sources(run), ahead=ahead
    )


def load_sources(run: Run) -> dict[str, str]:
    """The sources that series of the stack have of their own, by series.

    The settings file may name some for series of other stacks. Raises BadInput where there is no such series at all.
    """
    named = run.sources()
    if not named:
        return {}
    from ..engine.queue import Queue

    series = run.series()
    there = {queue.name for queue in Queue.load(series, overrides=()).stack}
    found = {}
    for name, setting in named.items():
        beside = series.resolve().parent / name
        if name in there or setting.origin.startswith("--"):
            found[name] = setting.value
        elif not beside.is_dir():
            raise BadInput(f"{setting.origin}: a source for {name!r}, and there is no such series beside {series}")
    return found


def load_recipe(directory: Path) -> Recipe:
    """The recipe of a series directory. Raises BadRecipe where there is none, or with all its problems."""
    file = directory / "recipe.toml"
    if not file.is_file():
        raise BadRecipe("no such file; a recipe says what to pick and how", file=str(file))
    from ..values.recipe import Recipe

    return Recipe.parse(read_input(file), str(file))


def replay(
    run: Run,
    *,
    align: bool,
    committer: Person | None = None,
    fuzz: int = 0,
    ahead: PinnedChanges | None = None,
) -> Result:
    """The queue the settings name, replayed on the base they name. Nothing is written."""
    # The base first: what is cheap to get wrong is told before a queue is read.
    repo, base = run.target()
    return load_queue(run, ahead).apply(repo, base=base, align=align, committer=committer, fuzz=fuzz)
