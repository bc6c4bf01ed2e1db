# SPDX-License-Identifier: MIT
"""`mptcp-series extract`: from a recipe to a series file, and all that the rule of picking would lose, by name."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..engine.store.files import read_input
from ..engine.upstream.history import Walk
from ..values.recipe import Recipe
from ..values.series import Series
from .console import counted, printable
from .inputs import load_recipe
from .jsons import extraction_document
from .options import Run, takes

if TYPE_CHECKING:
    from ..engine.upstream.extract import Extraction

__all__ = ["extract"]


@click.command(short_help="Pick the commits of a recipe's range and write the series.")
@click.option("--materialise", is_flag=True, help="Write the patch files too, not only pins.")
@click.option("--numbered", is_flag=True, help="Name patches NNNN-<commit>-<Subject_words>.patch.")
@takes("source", "series")
def extract(run: Run, materialise: bool, numbered: bool) -> None:
    """Pick every commit of the recipe's range that touches a path it matches, and write the series file.

    Names, options, comments and patches without a pin of the series that is there stay. Commits that touch owned
    paths and are not picked are listed with the [[include]] that would add them; merges whose resolution is not the
    automatic one become entries of their own.
    """
    directory = run.series()
    recipe = load_recipe(directory)
    file = directory / "series"
    previous = Series.parse(read_input(file), str(file)) if file.is_file() else None
    source = run.required("source")
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(run.console.progress("looking at commits"))
        walk = Walk.begin(source, recipe.range, recipe.pathspecs)
        if walk is not None:
            stack.enter_context(walk)
        # git reads the history for as long as a second, and meanwhile all the rest is imported.
        import pygit2

        from ..engine.upstream.extract import extract as pick

        # As for a replay: libgit2 would hash each of the thousands of trees it reads.
        pygit2.settings.enable_strict_hash_verification(False)
        found = pick(recipe, source, previous=previous, numbered=numbered, walk=walk, progress=progress)
    files = found.write(directory, materialise=materialise)
    run.answer(
        document=lambda: extraction_document(recipe.name, found, files),
        report=lambda: _lines(recipe, found, files, verbose=run.console.verbose),
    )


def _lines(recipe: Recipe, found: Extraction, files: Sequence[Path], *, verbose: bool) -> Iterator[str]:
    yield click.style(f"{recipe.name}: {recipe.range}", bold=True)
    kinds = Counter(pick.kind.value for pick in found.picks)
    shown = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    yield f"{counted(found.examined, 'commit')} in the range; {counted(len(found.picks), 'pick')}: {shown}"
    if verbose:
        yield from (f"  {pick.commit[:12]} {printable(pick.name)}: {printable(pick.subject)}" for pick in found.picks)
    merges = [pick for pick in found.picks if pick.is_merge]
    if merges:
        yield "merges whose result on owned paths is not the automatic one, each an entry of its own:"
        yield from (f"  {pick.commit[:12]} {printable(pick.subject)}" for pick in merges)
    if found.excluded:
        yield "left out by the recipe:"
    for entry in found.excluded:
        yield f"  {entry.commit[:12]} {printable(entry.subject)}"
        yield from (f"    {printable(line)}" for line in entry.reason.strip().split("\n"))
    gone = [entry for entry in found.dropped if all(pick.commit != entry.pin for pick in found.picks)]
    if gone:
        yield "gone from the series, no longer picked:"
        yield from (f"  {(entry.pin or '')[:12]} {printable(entry.name)}" for entry in gone)
    if found.uncovered:
        yield f"not picked, and touch owned paths; to add one, append its lines to {printable(recipe.file)}:"
    for other in found.uncovered:
        yield ""
        yield from (f"  # {printable(path)}" for path in other.paths)
        yield from (f"  {printable(line)}" for line in other.as_include().rstrip("\n").split("\n"))
    if found.uncovered:
        yield ""
    yield f"{counted(len(files), 'file')} in {files[0].parent}" if len(files) != 1 else f"wrote {files[0]}"
