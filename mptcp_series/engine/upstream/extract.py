# SPDX-License-Identifier: MIT
"""Picks the commits of a recipe from the source's history and writes them as a series.

The set and order are those of `git log --no-merges --full-history --topo-order --reverse RANGE`, kept
where any touched path contains one of `match`. What that rule would lose is told: commits that touch
owned paths but match nothing, and merges that hold work of their own (these become pins).

Nothing is picked from a history that is cut inside the range: that is an error, not a shorter list.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import attrs
import pygit2

from ...errors import BadInput, BadSeries, EnvironmentFault, Problem
from ...values.paths import OwnedPaths
from ...values.recipe import Recipe
from ...values.result import EntryKind
from ...values.series import Series, SeriesEntry
from ..store.files import replace_file
from ..store.objects import Objects
from ..store.repository import Place, open_repository, resolve_commit
from .history import Walk, WalkProgress, commit_order
from .merges import MergeFinder
from .picks import Collected, Pick, name_picks, place, subject_in
from .series_text import MERGE_NOTE, compose, dropped_entries

__all__ = ["Excluded", "Extraction", "Pick", "Uncovered", "extract"]


@attrs.frozen(kw_only=True)
class Uncovered:
    """A commit of the range that touches owned paths and that `match` does not pick."""

    commit: str
    subject: str
    paths: tuple[str, ...]

    def as_include(self) -> str:
        """The TOML that would add it to the recipe; the reason is for a person to write."""
        # JSON's escapes are TOML's, but TOML wants DEL escaped too. A reason must not be empty.
        subject = json.dumps(self.subject or "no subject", ensure_ascii=False).replace("\x7f", "\\u007f")
        return f'[[include]]\ncommit = "{self.commit}"\nreason = {subject}\n'


@attrs.frozen(kw_only=True)
class Excluded:
    """A commit the recipe leaves out."""

    commit: str
    subject: str
    reason: str


@attrs.frozen(kw_only=True, eq=False)
class Extraction:
    """What a recipe picks from a source; nothing is written until `write`."""

    series: Series
    picks: tuple[Pick, ...]
    uncovered: tuple[Uncovered, ...]
    excluded: tuple[Excluded, ...]
    examined: int
    """Commits of the range that were looked at; with pathspecs, those of the history that is left."""
    dropped: tuple[SeriesEntry, ...] = ()
    """Pinned lines of the series before that are gone: no longer picked, or under another name."""
    _source: pygit2.Repository = attrs.field(alias="source", repr=False)
    _owned: OwnedPaths = attrs.field(alias="owned", repr=False)

    @property
    def merges(self) -> tuple[Pick, ...]:
        """Merges that became entries of their own."""
        return tuple(pick for pick in self.picks if pick.is_merge)

    def patches(self) -> Mapping[str, bytes]:
        """The patch file of every pin, by name.

        Raises MissingObject where a blob is not there, BadSeries for a pin whose line says another strip level than
        the files have.
        """
        pins = {pick.commit for pick in self.picks}
        entries = [entry for entry in self.series.entries if entry.pin in pins]
        problems = [
            Problem(
                file=self.series.file,
                line=entry.line or None,
                message=f"{entry.name} has -p{entry.strip}, and the patch file of a pin has strip level 1; "
                "take the option out",
            )
            for entry in entries
            if entry.strip != 1
        ]
        if problems:
            raise BadSeries(problems)
        objects = Objects(self._source)
        return {entry.name: self._rendered(objects, entry) for entry in entries}

    def _rendered(self, objects: Objects, entry: SeriesEntry) -> bytes:
        from ..exchange.render import render_patch  # what reads and writes patches costs a tenth of a walk to import
        from ..replay.change import BlobChange
        from ..replay.item import item_from_commit

        item = item_from_commit(self._source, objects, attrs.evolve(entry, reverse=False), EntryKind.PATCH, self._owned)
        changes = [change for change in item.changes if isinstance(change, BlobChange)]
        return render_patch(objects, item.raw, changes)

    def write(self, directory: Path, *, materialise: bool = False) -> tuple[Path, ...]:
        """Write the series file, and the patches with `materialise`; the series file comes last.

        Then the files of pins that left the series go, unless somebody changed them. Gives the files of the series.
        """
        files = dict(self.patches()) if materialise else {}
        for name, data in files.items():
            _replace_changed(directory / name, data)
        _replace_changed(directory / "series", self.series.render())
        objects = Objects(self._source)
        for entry in self.dropped:
            self._remove(objects, entry, directory / entry.name)
        return tuple(sorted([directory / name for name in files] + [directory / "series"]))

    def _remove(self, objects: Objects, entry: SeriesEntry, path: Path) -> None:
        """Take away the materialised patch of a pin, if it is what `write` made."""
        if not path.is_file() or path.is_symlink():
            return
        with contextlib.suppress(EnvironmentFault):  # its objects are gone: nobody can tell whose file it is
            if path.read_bytes() == self._rendered(objects, entry):
                path.unlink()


def _replace_changed(path: Path, data: bytes) -> None:
    """A file that would not change keeps its time stamp."""
    if not path.is_file() or path.read_bytes() != data:
        replace_file(path, data)


def extract(
    recipe: Recipe,
    source: Place,
    *,
    previous: Series | None = None,
    numbered: bool = False,
    walk: Walk | None = None,
    progress: WalkProgress | None = None,
) -> Extraction:
    """Pick what a recipe says from a source.

    previous: the series as it was; names of pins, options, comments and patches without a pin stay.
    numbered: name patches `NNNN-<commit>-<Subject_words>.patch`.
    walk: one over the recipe's range and pathspecs that was begun before; it is used up.

    Raises UnknownRevision, BadInput for a range that is empty or matches nothing, BadRecipe for
    commits it names that are not there, ShallowSource and MissingObject for an incomplete source.
    """
    repo = open_repository(source)
    start, end = (resolve_commit(repo, revision) for revision in (recipe.range_start, recipe.range_end))
    collected = _collect(recipe, repo, start, walk, progress)
    if not collected.examined and (not recipe.pathspecs or repo.merge_base(start.id, end.id) == end.id):
        raise BadInput(f"range {recipe.range} is empty in {repo.path}", file=recipe.file)
    if len(collected.matched) == len(collected.merges):
        raise BadInput(
            f"no commit of {recipe.range} touches a path that contains any of {', '.join(recipe.match)}"
            + (f" at the pathspecs {', '.join(recipe.pathspecs)}" if recipe.pathspecs else ""),
            file=recipe.file,
        )
    order, before = place(recipe, repo, collected)
    if not order:
        raise BadInput(f"every commit of {recipe.range} that `match` picks is excluded", file=recipe.file)
    picks = name_picks(recipe, repo, order, before, collected.merges, previous, numbered)
    excluded = [
        Excluded(commit=entry.commit, subject=subject_in(repo, entry.commit), reason=entry.reason)
        for entry in recipe.excludes
    ]
    series = compose(
        recipe,
        [(SeriesEntry(name=pick.name, pin=pick.commit), _note(pick)) for pick in picks],
        [f"{entry.commit} {entry.subject}: {' '.join(entry.reason.split())}" for entry in excluded],
        previous,
    )
    return Extraction(
        series=series,
        picks=tuple(picks),
        uncovered=tuple(
            Uncovered(commit=commit, subject=subject_in(repo, commit), paths=paths)
            for commit, paths in collected.uncovered.items()
        ),
        excluded=tuple(excluded),
        examined=collected.examined,
        dropped=dropped_entries(previous, series),
        source=repo,
        owned=recipe.owned,
    )


def _note(pick: Pick) -> str | None:
    """The comment above a line of the series."""
    if pick.reason is not None:
        return f"{pick.kind.value}: {' '.join(pick.reason.split())}"
    return MERGE_NOTE if pick.is_merge else None


def _collect(
    recipe: Recipe, repo: pygit2.Repository, start: pygit2.Commit, begun: Walk | None, progress: WalkProgress | None
) -> Collected:
    finder = MergeFinder(repo, Objects(repo), recipe.owned, start)
    match = [text.encode("utf-8", "surrogateescape") for text in recipe.match]
    named = {entry.commit for entry in (*recipe.prerequisites, *recipe.includes, *recipe.excludes)}
    found = Collected()
    with contextlib.ExitStack() as stack:
        walk = stack.enter_context(begun or Walk(repo.path, recipe.range, recipe.pathspecs))
        order: Iterator[str] | None = None
        if recipe.pathspecs and (named or repo.is_shallow):
            order = stack.enter_context(commit_order(repo, recipe.range))
        for visited in walk.visited(repo, progress):
            found.examined += 1
            if named and visited.commit in named:
                found.named[visited.commit] = len(found.matched)
            if visited.is_merge:
                if finder.has_own_work(visited):
                    found.matched.append(visited.commit)
                    found.merges.add(visited.commit)
                continue
            owned = finder.touches(visited)
            if visited.touches(match):
                found.matched.append(visited.commit)
            elif owned and visited.commit not in named:
                paths = (path for path in visited.paths if recipe.owned.contains(path))
                found.uncovered[visited.commit] = tuple(paths)
        if order is not None:
            found.named = _positions(order, named, set(found.matched))
    return found


def _positions(order: Iterable[str], named: Collection[str], matched: Collection[str]) -> dict[str, int]:
    """How many matched commits come before each named one of the range."""
    found: dict[str, int] = {}
    count = 0
    for commit in order:
        if commit in named:
            found[commit] = count
        count += commit in matched
    return found
