# SPDX-License-Identifier: MIT
"""Stacks: several series on one base, one on top of the other, replayed as one run.

A recipe says `after = "mptcp-5.15"`: the directory beside its own that its series goes on top of. What that one is
after comes along, each series once, the lowest first. Every series keeps its own source, its own overrides (which
bind to its own patches only) and its own decisions; the run has one alignment, at the bottom, and one account.

Files that a series owns start from its root. Where a lower series owns them too they start from that series' root,
and what the upper one starts from is the lower one's result: its own `root` then says nothing.

Refused, with file and line: a series that is not there, one that goes on top of itself, two patches of one name, an
owned directory of which a lower series owns a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pygit2

from ..errors import BadInput, BadRecipe, BadSeries, Problem
from ..values.naming import did_you_mean
from ..values.override import Override
from ..values.paths import OwnedPaths
from ..values.recipe import Recipe
from ..values.tomlreader import key_lines
from .replay.item import Item

if TYPE_CHECKING:
    from .queue import Queue

__all__ = ["Part", "below", "owners"]


@attrs.frozen(kw_only=True, eq=False)
class Part:
    """One series of a stack as a run has it: its entries on the base, and what was decided about them."""

    name: str
    recipe: Recipe | None
    overrides: tuple[Override, ...]
    source: pygit2.Repository | None
    items: Sequence[Item]


def below(top: Queue, load: Callable[[Path], Queue]) -> tuple[Queue, ...]:
    """The queues that one goes on top of, the lowest first; `load` reads one of them, without what is below it.

    Raises BadRecipe or BadSeries, naming the line, for a stack that is none.
    """
    found: dict[Path, Queue] = {}

    def visit(queue: Queue, chain: tuple[Path, ...]) -> None:
        here = queue.directory.resolve()
        if queue.recipe is None:
            return
        for number, name in enumerate(queue.recipe.after):
            directory = _beside(queue.directory, name)
            place = directory.resolve()
            if place in (*chain, here):
                loop = (*chain, here)[(*chain, here).index(place) :]
                raise _wrong(queue.recipe, number, f"goes round: {' after '.join(p.name for p in (*loop, place))}")
            if place in found:
                continue
            if not (directory / "series").is_file():
                raise _wrong(queue.recipe, number, _missing(directory, name))
            lower = load(directory)
            visit(lower, (*chain, here))
            found[place] = lower

    visit(top, ())
    _refuse_one_name_twice([*found.values(), top])
    return tuple(found.values())


def _beside(directory: Path, name: str) -> Path:
    return (directory if directory.name not in ("", "..") else directory.resolve()).parent / name


def _missing(directory: Path, name: str) -> str:
    if (directory / "recipe.toml").is_file():
        return f"{directory} has no series file; `mptcp-series extract` writes it from the recipe"
    others = [path.parent.name for path in sorted(directory.parent.glob("*/series"))]
    return f"no series {name!r} beside this one{did_you_mean(name, others)}"


def _wrong(recipe: Recipe, number: int, message: str) -> BadRecipe:
    """An error at the `after` that is wrong."""
    lines = key_lines((recipe.raw or b"").decode() + "\n")
    line = lines.get(f"series.after[{number}]", lines.get("series.after"))
    return BadRecipe(f"{message} in 'series.after'", file=recipe.file, line=line)


def _refuse_one_name_twice(queues: Iterable[Queue]) -> None:
    """Names of patches are how results, exports and overrides know them: they must differ in a stack."""
    first: dict[str, str] = {}
    series: dict[str, Queue] = {}
    problems = []
    for queue in queues:
        if queue.name in series:
            raise BadInput(
                f"{series[queue.name].directory} and {queue.directory} are both called {queue.name!r}; "
                "series of a stack need names of their own"
            )
        series[queue.name] = queue
        for entry in queue.series.entries:
            where = first.setdefault(entry.name, f"{queue.series.file}:{entry.line}")
            if where != f"{queue.series.file}:{entry.line}":
                problems.append(
                    Problem(
                        file=queue.series.file,
                        line=entry.line,
                        message=f"{entry.name} is the name of {where} too, in the same stack; give one another name",
                    )
                )
    if problems:
        raise BadSeries(problems)


def owners(parts: Sequence[Part]) -> list[tuple[Part, OwnedPaths]]:
    """The series whose root some owned paths start from, the lowest first, and these paths.

    Raises BadRecipe where a series owns a directory of which a lower one owns a part.
    """
    taken: list[str] = []
    found = []
    for part in parts:
        if part.recipe is None:
            continue
        lower = OwnedPaths(patterns=taken)
        mine = [pattern for pattern in part.recipe.owned.patterns if not lower.contains(pattern)]
        for pattern in mine:
            inside = [other for other in taken if pattern.endswith("/") and other.startswith(pattern)]
            if inside:
                lines = key_lines((part.recipe.raw or b"").decode() + "\n")
                raise BadRecipe(
                    f"owns {pattern}, and a series below owns {inside[0]} of it: they have two roots; "
                    "let the lower one own the whole directory, or this one the files it needs",
                    file=part.recipe.file,
                    line=lines.get("series.owned"),
                )
        if mine:
            found.append((part, OwnedPaths(patterns=mine)))
            taken += mine
    return found
