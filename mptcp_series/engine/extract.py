# SPDX-License-Identifier: MIT
"""Picks the commits of a recipe from the source's history and writes them as a series.

The set and order are those of `git log --no-merges --full-history --topo-order --reverse RANGE`, kept
where any touched path contains one of `match`. What that rule would lose is told: commits that touch
owned paths but match nothing, and merges that hold work of their own (these become pins).

Nothing is picked from a history that is cut inside the range: that is an error, not a shorter list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import pygit2

from ..errors import BadInput, BadRecipe, MissingObject, Problem
from ..values.naming import numbered_name, patch_name
from ..values.paths import OwnedPaths
from ..values.recipe import Recipe
from ..values.result import EntryKind
from ..values.series import Series, SeriesEntry
from .change import BlobChange
from .files import replace_file
from .history import Visited, WalkProgress, visit
from .item import item_from_commit
from .merges import MergeFinder
from .objects import Objects
from .render import render_patch
from .repository import Place, open_repository, resolve_commit
from .series_text import compose

__all__ = ["Excluded", "Extraction", "Pick", "Uncovered", "extract"]


@attrs.frozen(kw_only=True)
class Pick:
    """One commit of the queue."""

    commit: str
    subject: str
    name: str
    kind: EntryKind
    is_merge: bool = False
    reason: str | None = None
    """Why the recipe names it: of a prerequisite or an include."""


@attrs.frozen(kw_only=True)
class Uncovered:
    """A commit of the range that touches owned paths and that `match` does not pick."""

    commit: str
    subject: str
    paths: tuple[str, ...]

    def as_include(self) -> str:
        """The TOML that would add it to the recipe; the reason is for a person to write."""
        subject = self.subject.replace("\\", "\\\\").replace('"', '\\"')
        return f'[[include]]\ncommit = "{self.commit}"\nreason = "{subject}"\n'


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
    """Commits of the range that were looked at."""
    _source: pygit2.Repository = attrs.field(alias="source", repr=False)
    _owned: OwnedPaths = attrs.field(alias="owned", repr=False)

    @property
    def merges(self) -> tuple[Pick, ...]:
        """Merges that became entries of their own."""
        return tuple(pick for pick in self.picks if pick.is_merge)

    def patches(self) -> Mapping[str, bytes]:
        """The patch file of every pin, by name. Raises MissingObject where a blob is not there."""
        objects = Objects(self._source)
        found = {}
        pins = {pick.commit for pick in self.picks}
        for entry in self.series.entries:
            if entry.pin in pins:
                item = item_from_commit(
                    self._source, objects, attrs.evolve(entry, reverse=False), EntryKind.PATCH, self._owned
                )
                changes = [change for change in item.changes if isinstance(change, BlobChange)]
                found[entry.name] = render_patch(objects, item.raw, changes)
        return found

    def write(self, directory: Path, *, materialise: bool = False) -> tuple[Path, ...]:
        """Write the series file, and the patches with `materialise`; the series file comes last."""
        files = dict(self.patches()) if materialise else {}
        for name, data in files.items():
            _replace_changed(directory / name, data)
        _replace_changed(directory / "series", self.series.render())
        return tuple(sorted([directory / name for name in files] + [directory / "series"]))


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
    progress: WalkProgress | None = None,
) -> Extraction:
    """Pick what a recipe says from a source.

    previous: the series as it was; names of pins, options, comments and patches without a pin stay.
    numbered: name patches `NNNN-<commit>-<Subject_words>.patch`.

    Raises UnknownRevision, BadInput for a range that is empty or matches nothing, BadRecipe for
    commits it names that are not there, ShallowSource and MissingObject for an incomplete source.
    """
    repo = open_repository(source)
    for revision in (recipe.range_start, recipe.range_end):
        resolve_commit(repo, revision)
    collected = _collect(recipe, repo, progress)
    if not collected.examined:
        raise BadInput(f"range {recipe.range} is empty in {repo.path}", file=recipe.file)
    order, before = _placed(recipe, repo, collected)
    if not any(kind is EntryKind.PATCH for _, kind in order):
        raise BadInput(
            f"no commit of {recipe.range} touches a path that contains any of {', '.join(recipe.match)}",
            file=recipe.file,
        )
    picks = _named(recipe, repo, order, before, collected.merges, previous, numbered)
    excluded = [
        Excluded(commit=entry.commit, subject=_subject(repo, entry.commit), reason=entry.reason)
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
            Uncovered(commit=commit, subject=_subject(repo, commit), paths=paths)
            for commit, paths in collected.uncovered.items()
        ),
        excluded=tuple(excluded),
        examined=collected.examined,
        source=repo,
        owned=recipe.owned,
    )


def _note(pick: Pick) -> str | None:
    """The comment above a line of the series."""
    if pick.is_merge:
        return "merge: its result on owned paths differs from the automatic merge"
    if pick.reason is not None:
        return f"{pick.kind.value}: {' '.join(pick.reason.split())}"
    return None


@attrs.define(kw_only=True)
class _Collected:
    """What one walk over the range found."""

    examined: int = 0
    matched: list[str] = attrs.field(factory=list)
    merges: set[str] = attrs.field(factory=set)
    uncovered: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    named: dict[str, int] = attrs.field(factory=dict)
    """Commits the recipe names that lie in the range, by their position among the matched ones."""


def _collect(recipe: Recipe, repo: pygit2.Repository, progress: WalkProgress | None) -> _Collected:
    finder = MergeFinder(repo, Objects(repo), recipe.owned)
    match = [text.encode("utf-8", "surrogateescape") for text in recipe.match]
    named = {entry.commit for entry in (*recipe.prerequisites, *recipe.includes, *recipe.excludes)}
    found = _Collected()

    def choose(visited: Visited) -> None:
        if visited.commit in named:
            found.named[visited.commit] = len(found.matched)
        if any(text in path for path in visited.paths for text in match):
            found.matched.append(visited.commit)
        elif visited.commit not in named:
            paths = [path.decode("utf-8", "surrogateescape") for path in visited.paths]
            owned = tuple(path for path in paths if recipe.owned.contains(path))
            if owned:
                found.uncovered[visited.commit] = owned

    if recipe.pathspecs:
        chosen = {visited.commit: visited for visited in visit(repo, recipe.range, recipe.pathspecs, progress)}
        walk: Iterable[Visited] = (
            chosen.get(bare.commit, bare) for bare in visit(repo, recipe.range, parents_only=True)
        )
    else:
        walk = visit(repo, recipe.range, progress=progress)
    for visited in walk:
        found.examined += 1
        if len(visited.parents) > 1:
            if finder.has_own_work(visited):
                found.matched.append(visited.commit)
                found.merges.add(visited.commit)
            continue
        finder.touches(visited)
        choose(visited)
    return found


def _placed(
    recipe: Recipe, repo: pygit2.Repository, collected: _Collected
) -> tuple[list[tuple[str, EntryKind]], dict[str, str]]:
    """Commits in queue order with their kind, and the patch names that prerequisites go before."""
    problems: list[Problem] = []
    kinds = {entry.commit: EntryKind.INCLUDE for entry in recipe.includes}
    kinds |= {entry.commit: EntryKind.PREREQUISITE for entry in recipe.prerequisites}
    matched = set(collected.matched)
    for entry in recipe.includes:
        if entry.commit not in collected.named:
            problems.append(_misnamed(recipe, entry.commit, "include", f"is no commit of {recipe.range}"))
    for entry in recipe.excludes:
        if entry.commit not in matched:
            problems.append(
                _misnamed(recipe, entry.commit, "exclude", "is not picked, so there is nothing to leave out")
            )
    if problems:
        raise BadRecipe(problems)
    excluded = {entry.commit for entry in recipe.excludes}
    # Named commits that `match` does not pick take their topological place between those it does.
    extra: dict[int, list[str]] = {}
    for commit, position in collected.named.items():
        if commit not in matched and commit not in excluded:
            extra.setdefault(position, []).append(commit)
    order: list[str] = []
    for position, commit in enumerate([*collected.matched, ""]):
        order += extra.get(position, [])
        if commit and commit not in excluded:
            order.append(commit)
    outside = [entry.commit for entry in recipe.prerequisites if entry.commit not in collected.named]
    for commit in outside:
        _require(repo, recipe, commit)
    before = {entry.commit: entry.before for entry in recipe.prerequisites if entry.before is not None}
    order = [*[commit for commit in outside if commit not in order], *order]
    return [(commit, kinds.get(commit, EntryKind.PATCH)) for commit in order], before


def _misnamed(recipe: Recipe, commit: str, array: str, why: str) -> Problem:
    line = None
    if recipe.raw is not None:
        lines = recipe.raw.decode().splitlines()
        line = next((at + 1 for at, text in enumerate(lines) if commit in text.lower()), None)
    return Problem(file=recipe.file, line=line, message=f"{array} {commit} {why}")


def _require(repo: pygit2.Repository, recipe: Recipe, commit: str) -> None:
    if repo.get(commit) is None:
        raise MissingObject(
            f"{recipe.file}: prerequisite {commit} is not in {repo.path}; "
            f"run `mptcp-series fetch`, or `git fetch origin {commit}` there"
        )


def _subject(repo: pygit2.Repository, commit: str) -> str:
    found = repo[commit]
    assert isinstance(found, pygit2.Commit)
    return found.raw_message.split(b"\n", 1)[0].decode("utf-8", "replace").strip()


def _named(
    recipe: Recipe,
    repo: pygit2.Repository,
    order: list[tuple[str, EntryKind]],
    before: Mapping[str, str],
    merges: set[str],
    previous: Series | None,
    numbered: bool,
) -> list[Pick]:
    """Picks with names: a pin keeps the name it had, any other is named after its subject."""
    kept = {}
    taken: set[str] = set()
    if previous is not None:
        taken = {entry.name for entry in previous.entries}
        if not numbered:
            kept = {entry.pin: entry.name for entry in previous.entries if entry.pin is not None}
    reasons = {entry.commit: entry.reason for entry in (*recipe.prerequisites, *recipe.includes)}
    picks: list[Pick] = []
    for index, (commit, kind) in enumerate(order):
        subject = _subject(repo, commit)
        name = kept.get(commit) or (
            numbered_name(index + 1, commit, subject) if numbered else patch_name(subject, taken)
        )
        taken.add(name)
        picks.append(
            Pick(
                commit=commit,
                subject=subject,
                name=name,
                kind=kind,
                is_merge=commit in merges,
                reason=reasons.get(commit),
            )
        )
    return _moved(recipe, picks, before)


def _moved(recipe: Recipe, picks: list[Pick], before: Mapping[str, str]) -> list[Pick]:
    """Prerequisites that name the patch they go before, there."""
    problems = []
    for commit, name in before.items():
        pick = next(pick for pick in picks if pick.commit == commit)
        rest = [other for other in picks if other is not pick]
        at = next((at for at, other in enumerate(rest) if other.name == name), None)
        if at is None:
            problems.append(_misnamed(recipe, commit, "prerequisite", f"goes before {name}, which is not in the queue"))
            continue
        picks = [*rest[:at], pick, *rest[at:]]
    if problems:
        raise BadRecipe(problems)
    return picks
