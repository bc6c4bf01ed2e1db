# SPDX-License-Identifier: MIT
"""`mptcp-series fixes`: nobody ships a patch without its fix, and nobody reads every release to find it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from ..engine.upstream.fixes import Fix, Fixes, FixKind, find_fixes
from ..errors import EnvironmentFault, NeedsPerson
from ..values.recipe import Recipe
from .console import printable
from .inputs import load_queue, load_recipe
from .inspection import queue_items
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["fixes"]

_WORDS = {FixKind.FIX: ("fix", "fixes"), FixKind.REVERT: ("revert", "reverts")}


@click.command(short_help="Upstream fixes and reverts of queued patches that are not queued.")
@takes("source", "series")
def fixes(run: Run) -> None:
    """List commits of the source whose `Fixes:` or revert names a queued patch, and that are not queued themselves.

    Looked at is all that the source's branches, its newest release of the target's line and of mainline have since
    the start of the range. A fix of a fix counts too; one that upstream took back does not. What the recipe excludes
    or acknowledges is listed as such.

    Exit status 1: a fix or revert is not queued.
    """
    directory = run.series()
    recipe = load_recipe(directory)
    run.required("source")
    queue = load_queue(run)
    if queue.source is None:
        raise EnvironmentFault("fixes are looked for in the source: name it with --source")
    _, items = queue_items(queue)
    with run.console.progress("reading messages") as progress:
        found = find_fixes(items, recipe, queue.source, progress)
    run.answer(
        document=lambda: {"schema": SCHEMA, "command": "fixes", "series": recipe.name, **found.to_json()},
        report=lambda: _lines(recipe, found),
    )
    if found.missing:
        raise NeedsPerson(
            f"not queued: {fix.commit[:12]} {fix.subject} ({_verb(fix)} {fix.fixes})" for fix in found.missing
        )


def _lines(recipe: Recipe, found: Fixes) -> Iterator[str]:
    upto = f", up to {' and '.join(found.upto)}" if found.upto else ""
    yield click.style(f"{recipe.name}: fixes of {recipe.range}{upto}", bold=True)
    for fix in found.missing:
        yield from _fix_lines(fix, "red")
    for fix in found.acknowledged:
        yield from _fix_lines(fix, None)
    kinds = Counter(fix.kind for fix in found.missing)
    shown = " and ".join(counted(kinds[kind], _WORDS[kind][0], _WORDS[kind][1]) for kind in FixKind if kinds[kind])
    accepted = f", {len(found.acknowledged)} acknowledged" if found.acknowledged else ""
    yield f"not queued: {shown or 'none'}{accepted}"
    yield from _remedy_lines(recipe, found)


def _fix_lines(fix: Fix, colour: str | None) -> Iterator[str]:
    word = click.style(f"{_WORDS[fix.kind][0]:<6}", fg=colour)
    yield f"{word}  {fix.commit[:12]} {printable(fix.subject)}"
    via = "" if fix.via is None else f" by way of {fix.via[:12]}, which is not queued either"
    yield f"  {_verb(fix)} {printable(fix.fixes)}{via}"
    if fix.upstream is not None:
        yield f"  upstream {fix.upstream[:12]}"
    where = "in no release that the source has" if fix.release is None else f"since {fix.release}"
    yield f"  {where}{'; in the range, and not picked' if fix.in_range else ''}"
    if fix.reason is not None:
        first, *more = printable(fix.reason).strip().split("\n")
        yield f"  acknowledged: {first}"
        yield from (f"    {line}" for line in more)


def _verb(fix: Fix) -> str:
    return _WORDS[fix.kind][1]


def _remedy_lines(recipe: Recipe, found: Fixes) -> Iterator[str]:
    if not found.missing:
        return
    if found.target is not None:
        yield f'range = "{recipe.range_start}..{found.target}" brings {found.covers} of {len(found.missing)}'
    blocks = [block for block in (fix.as_toml() for fix in found.missing) if block]
    if blocks:
        yield f"{'or ' if found.target is not None else ''}append to {printable(recipe.file)}:"
    for block in blocks:
        yield ""
        yield from (f"  {printable(line)}" for line in block.rstrip("\n").split("\n"))
