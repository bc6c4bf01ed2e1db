# SPDX-License-Identifier: MIT
"""What several commands read before they start: the queue, the recipe, a result on a base."""

from __future__ import annotations

from pathlib import Path

import pygit2

from ..engine.queue import Queue, read_input
from ..engine.result import Result
from ..errors import BadRecipe
from ..values.person import Person
from ..values.recipe import Recipe
from .options import Run

__all__ = ["load_queue", "load_recipe", "replay"]


def load_queue(run: Run) -> Queue:
    """The queue the settings name."""
    # libgit2 hashes each object it reads, which takes four times as long as reading it. git does not; zlib's own
    # checksum stands in both. A choice for the whole process, so it is the program's and not the library's.
    pygit2.settings.enable_strict_hash_verification(False)
    return Queue.load(run.series(), overrides=run.overrides(), source=run.source())


def load_recipe(directory: Path) -> Recipe:
    """The recipe of a series directory. Raises BadRecipe where there is none, or with all its problems."""
    file = directory / "recipe.toml"
    if not file.is_file():
        raise BadRecipe("no such file; a recipe says what to pick and how", file=str(file))
    return Recipe.parse(read_input(file), str(file))


def replay(run: Run, *, align: bool, committer: Person | None = None) -> Result:
    """The queue the settings name, replayed on the base they name. Nothing is written."""
    # The base first: what is cheap to get wrong is told before a queue is read.
    repo, base = run.repo(), run.base()
    return load_queue(run).apply(repo, base=base, align=align, committer=committer)
