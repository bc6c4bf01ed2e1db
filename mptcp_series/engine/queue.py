# SPDX-License-Identifier: MIT
"""A queue of patches as a value of its own: loaded from files, applied to any base.

This is the surface build scripts use; the command line is built on it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import pygit2

from ..errors import BadInput, BadOverride, BadSeries, EnvironmentFault, MissingObject, Problem
from ..values.override import Override
from ..values.paths import OwnedPaths
from ..values.person import Person
from ..values.recipe import Recipe
from ..values.result import Drift, EntryKind
from ..values.series import Series, SeriesEntry
from .replay.item import Item, item_from_commit, item_from_patch
from .replay.overrides import check_override
from .replay.replay import Progress
from .result import Result
from .runs import Runs
from .stack import below
from .store.ahead import PinnedChanges
from .store.files import read_input
from .store.objects import Objects
from .store.repository import Place, open_repository

__all__ = ["JOURNAL", "Queue", "load_overrides"]

JOURNAL = ".mptcp-series.journal"
"""In a series directory while its files are written: those of a killed run do not belong together."""


def load_overrides(directories: Iterable[Path]) -> tuple[Override, ...]:
    """Every `*.patch` of the directories, by name. Raises BadOverride with the problems of all files."""
    overrides: list[Override] = []
    problems: list[Problem] = []
    for directory in directories:
        for path in sorted(directory.glob("*.patch")):
            try:
                override = Override.parse(read_input(path), str(path))
                # Results name an override as reviewers do, its directory and its file, and not by where these
                # are: the name is in commit messages, and so in commit ids.
                overrides.append(override.named(f"{path.parent.name}/{path.name}"))
            except BadOverride as error:
                problems += error.problems
    if problems:
        raise BadOverride(problems)
    return tuple(overrides)


@attrs.frozen(kw_only=True, eq=False)
class Queue:
    """An ordered queue of patches, its recipe, its overrides and where its pinned content comes from."""

    directory: Path
    series: Series
    recipe: Recipe | None
    overrides: tuple[Override, ...]
    source: pygit2.Repository | None
    below: tuple[Queue, ...] = ()
    """The queues this one goes on top of (`after` in its recipe), the lowest first."""
    ahead: PinnedChanges | None = None
    """What pinned commits change, where somebody had git look at them before."""

    @classmethod
    def load(
        cls,
        series: str | Path,
        *,
        overrides: str | Path | Iterable[str | Path] | None = None,
        source: Place | None = None,
        sources: Mapping[str, Place] | None = None,
        ahead: PinnedChanges | None = None,
    ) -> Queue:
        """Read `<series>/series` and, where there is one, `<series>/recipe.toml`.

        overrides: a directory of override files, or several; default: those the recipe names, in an
        `overrides` directory beside the one the series is in.
        source: the repository that has the pinned commits; not needed when every patch is materialised.
        sources: of series of a stack that have a source of their own, by the name of the series; the others
        have `source`.
        ahead: a head start on what the series pins, begun on its source.

        Raises BadSeries, BadRecipe, BadOverride with every problem of their file, NoRepository.
        """
        directory = Path(series)
        given = [overrides] if isinstance(overrides, str | Path) else overrides
        places = None if given is None else [Path(place) for place in given]
        own = dict(sources or {})

        def read(directory: Path, *, lower: bool = False) -> Queue:
            file = directory / "series"
            if not file.is_file():
                raise _no_series(directory)
            if (directory / JOURNAL).exists():
                raise EnvironmentFault(
                    f"{directory / JOURNAL}: a run was killed while it wrote here; `mptcp-series refresh` finishes "
                    "what it had begun, or undoes it"
                )
            recipe_file = directory / "recipe.toml"
            recipe = Recipe.parse(read_input(recipe_file), str(recipe_file)) if recipe_file.is_file() else None
            name = recipe.name if recipe is not None else directory.resolve().name
            place = own.get(name, source)
            named: Sequence[Path] | None = places
            if lower:
                named = lower_places(directory, recipe, places)
            return cls(
                directory=directory,
                series=Series.parse(read_input(file), str(file)),
                recipe=recipe,
                overrides=load_overrides(override_directories(directory, recipe, named)),
                source=None if place is None else open_repository(place),
            )

        queue = attrs.evolve(read(directory), ahead=ahead)
        if queue.recipe is not None and queue.recipe.after:
            queue = attrs.evolve(queue, below=below(queue, lambda lower: read(lower, lower=True)))
        unknown = [name for name in own if name not in {one.name for one in queue.stack}]
        if unknown:
            names = ", ".join(one.name for one in queue.stack)
            raise BadInput(f"a source is named for {', '.join(unknown)}, and the series here are {names}")
        return queue

    @property
    def stack(self) -> tuple[Queue, ...]:
        """The queues of a run, the lowest first; this one is the last."""
        return (*self.below, self)

    @property
    def name(self) -> str:
        """The recipe's name, else that of the directory."""
        return self.recipe.name if self.recipe is not None else self.directory.resolve().name

    @property
    def owned(self) -> OwnedPaths:
        """The paths that belong to the stack; none without a recipe."""
        return self.recipe.owned if self.recipe is not None else OwnedPaths(patterns=())

    def apply(
        self,
        repo: Place,
        *,
        base: str | None = None,
        align: bool = True,
        committer: Person | None = None,
        progress: Progress | None = None,
        fuzz: int = 0,
    ) -> Result:
        """Replay the queue on a base and give the result; nothing is written anywhere.

        repo: the git repository the base is in, and results go to; bare will do. Or a plain source directory, which
        is itself the base.
        base: a revision of the repository; default: HEAD. A directory has none.
        align: take the base's own changes to owned paths out first (no effect where there are none).
        committer: name and email of the commits made; dates are the authors', so ids are reproducible.
        progress: called with (entries done, entries in all).

        fuzz: how many lines of context at either end hunks of patches without blobs may leave out, where they fit
        nowhere with all of it; the outcome of each patch says how many it took.

        Raises UnknownRevision, BadInput for a base that is no kernel or not one the recipe is for,
        MissingObject, BadPatch. Conflicts and drift are in the result.
        """
        return Runs(self, repo, fuzz=fuzz).run(base, align=align, committer=committer, progress=progress)

    def item(self, objects: Objects, entry: SeriesEntry) -> Item:
        """Read one entry."""
        return self._item(objects, entry)

    def items(self, objects: Objects) -> list[Item]:
        """Read every entry of the queue; not of those below it."""
        return [self._item(objects, entry) for entry in self.series.entries]

    def on_base(self, items: Sequence[Item], read: Callable[[str], bytes | None]) -> list[Item]:
        """The entries as they are on one base, whose files `read` gives: a prerequisite may not be needed."""
        conditions = {
            prerequisite.commit: prerequisite.when
            for prerequisite in (() if self.recipe is None else self.recipe.prerequisites)
            if prerequisite.when is not None
        }
        found = []
        for item in items:
            when = conditions.get(item.commit or "") if item.kind is EntryKind.PREREQUISITE else None
            if when is not None and not when.holds(read(when.path)):
                item = attrs.evolve(item, skip_reason=f"not needed here: the base does not fulfil `{when}`")
            found.append(item)
        return found

    def check_overrides(self) -> list[Drift]:
        """Whether every override, in force or not, fits the queue. Empty when all do."""
        place = self.source
        if place is None:
            raise EnvironmentFault("checking overrides needs the patches: name the source with --source")
        objects = Objects(place)
        items = self.items(objects)
        return [drift for override in self.overrides for drift in check_override(objects, override, items)]

    def _item(self, objects: Objects, entry: SeriesEntry) -> Item:
        path = self.directory / entry.name
        if entry.pin is not None and (self.source is not None or not path.is_file()):
            if self.source is None:
                raise MissingObject(
                    f"{self.series.file}:{entry.line}: {entry.name} is pinned and its content is in the source; "
                    "name the source with --source"
                )
            told = None if self.ahead is None else self.ahead.changes.get(entry.pin)
            item = item_from_commit(self.source, objects, entry, self._kind(entry.pin), self.owned, self.name, told)
            if not item.changes and len(self.source[entry.pin].peel(pygit2.Commit).parent_ids) > 1:
                # It would pass for one that the base has already.
                why = (
                    ", and no recipe.toml says which paths are owned, of which its own work would be"
                    if self.recipe is None
                    else " that has no work of its own on the paths the recipe owns; name the commits it brought"
                )
                raise BadSeries(
                    f"{entry.name} is pinned to {entry.pin}, a merge{why}",
                    file=self.series.file,
                    line=entry.line,
                )
            return item
        if not path.is_file():
            raise BadSeries(
                f"no patch file {path}, and the line pins no commit", file=self.series.file, line=entry.line
            )
        return item_from_patch(objects, entry, read_input(path), str(path), self.name)

    def _kind(self, commit: str) -> EntryKind:
        """Where an entry comes from."""
        recipe = self.recipe
        if recipe is not None and any(entry.commit == commit for entry in recipe.prerequisites):
            return EntryKind.PREREQUISITE
        if recipe is not None and any(entry.commit == commit for entry in recipe.includes):
            return EntryKind.INCLUDE
        return EntryKind.PATCH


def lower_places(directory: Path, recipe: Recipe | None, given: Sequence[Path] | None) -> Sequence[Path] | None:
    """Of directories of overrides that someone named for a stack, what is for a lower series of it.

    None, for those beside the series, where they have nothing for it.
    """
    names = recipe.overrides if recipe is not None else (directory.resolve().name,)
    return [place / name for place in given or () for name in names if (place / name).is_dir()] or None


def override_directories(
    directory: Path, recipe: Recipe | None, given: str | Path | Iterable[str | Path] | None
) -> list[Path]:
    """Where override files are: the directories given, or those the recipe names below `overrides/`."""
    names = recipe.overrides if recipe is not None else (directory.resolve().name,)
    if given is None:
        root = directory.resolve().parent.parent / "overrides"
        found = [root / name for name in names]
        if recipe is not None and recipe.overrides != (recipe.name,):
            for path in found:
                if not path.is_dir():
                    raise BadInput(
                        f"the recipe names overrides {path.name}, and {path} is no directory", file=recipe.file
                    )
        return [path for path in found if path.is_dir()]
    places = [Path(given)] if isinstance(given, str | Path) else [Path(place) for place in given]
    out: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise BadInput(f"{place}: no such directory of overrides")
        below = [place / name for name in names if (place / name).is_dir()]
        out += [place] if any(place.glob("*.patch")) or not below else below
    return out


def _no_series(directory: Path) -> BadSeries:
    """What is wrong with a directory that has no series file, and what was meant perhaps."""
    file = directory / "series"
    if directory.is_file():
        return BadSeries("is a file; name the directory of the series", file=str(directory))
    if directory.is_dir():
        recipe = "its recipe" if (directory / "recipe.toml").is_file() else "a recipe"
        return BadSeries(
            f"no series file; `mptcp-series extract` writes it from {recipe}, `import` from another queue",
            file=str(file),
        )
    known = [place for place in (Path("series") / directory, *sorted(directory.parent.glob("*"))) if _is_series(place)]
    there = f"; there is {', '.join(map(str, known))}" if known else ""
    return BadSeries(f"no such directory{there}", file=str(directory))


def _is_series(directory: Path) -> bool:
    return (directory / "series").is_file() or (directory / "recipe.toml").is_file()
