# SPDX-License-Identifier: MIT
"""The commits a walk found as entries of a queue: where those the recipe names go, and what each is called."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import attrs
import pygit2

from ...errors import BadRecipe, MissingObject, Problem
from ...values.naming import numbered_name, patch_name
from ...values.recipe import Recipe
from ...values.result import EntryKind
from ...values.series import Series
from ...values.subject import subject_of
from ..replay.remerge import merge_resolution
from ..store.objects import Objects

__all__ = ["Collected", "Pick", "name_picks", "place", "subject_in"]


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


@attrs.define(kw_only=True)
class Collected:
    """What one walk over the range found."""

    examined: int = 0
    matched: list[str] = attrs.field(factory=list)
    merges: set[str] = attrs.field(factory=set)
    uncovered: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    named: dict[str, int] = attrs.field(factory=dict)
    """Commits the recipe names that lie in the range: how many matched ones come before each."""


def place(
    recipe: Recipe, repo: pygit2.Repository, collected: Collected
) -> tuple[list[tuple[str, EntryKind]], dict[str, str]]:
    """Commits in queue order with their kind, and the patch names that prerequisites go before."""
    problems: list[Problem] = []
    kinds = {entry.commit: EntryKind.INCLUDE for entry in recipe.includes}
    kinds |= {entry.commit: EntryKind.PREREQUISITE for entry in recipe.prerequisites}
    matched = set(collected.matched)
    for entry in recipe.includes:
        if entry.commit not in collected.named:
            elsewhere = f"is no commit of {recipe.range}; one from elsewhere is a [[prerequisite]]"
            problems.append(_misnamed(recipe, entry.commit, "include", elsewhere))
    for entry in recipe.excludes:
        if entry.commit not in matched:
            problems.append(
                _misnamed(recipe, entry.commit, "exclude", "is not picked, so there is nothing to leave out")
            )
    outside = [entry.commit for entry in recipe.prerequisites if entry.commit not in collected.named]
    asked = [commit for commit in kinds if (commit in collected.named or commit in outside) and commit not in matched]
    absent = [commit for commit in asked if repo.get(commit) is None]
    for commit in asked:
        trouble = None if commit in absent else _trouble(repo, recipe, commit)
        if trouble is not None:
            problems.append(_misnamed(recipe, commit, kinds[commit].value, trouble))
    if problems:
        raise BadRecipe(problems)
    if absent:
        told = [_misnamed(recipe, commit, kinds[commit].value, f"is not in {repo.path}") for commit in absent]
        raise MissingObject(
            "\n".join(map(str, told))
            + f"\nrun `mptcp-series fetch`, or in {repo.path}: git fetch origin {' '.join(absent)}"
        )
    excluded = {entry.commit for entry in recipe.excludes}
    # Named commits that `match` does not pick take their topological place between those it does.
    extra: dict[int, list[str]] = {}
    for commit, position in collected.named.items():
        if commit not in matched:
            extra.setdefault(position, []).append(commit)
    order = list(outside)
    for position, commit in enumerate([*collected.matched, ""]):
        order += extra.get(position, [])
        if commit and commit not in excluded:
            order.append(commit)
    before = {entry.commit: entry.before for entry in recipe.prerequisites if entry.before is not None}
    return [(commit, kinds.get(commit, EntryKind.PATCH)) for commit in order], before


def _trouble(repo: pygit2.Repository, recipe: Recipe, commit: str) -> str | None:
    """Why a commit the recipe names, and the source has, cannot be an entry of the queue."""
    found = repo[commit]
    if not isinstance(found, pygit2.Commit):
        return f"is no commit but a {found.type_str}"
    if len(found.parent_ids) > 1 and not merge_resolution(repo, Objects(repo), found, recipe.owned):
        return "is a merge that has no work of its own on owned paths; name the commits it brought"
    return None


def _misnamed(recipe: Recipe, commit: str, array: str, why: str) -> Problem:
    line = None
    if recipe.raw is not None:
        key = re.compile(rf"\s*[\"']?commit[\"']?\s*=.*{commit}", re.IGNORECASE)
        lines = recipe.raw.decode().split("\n")
        line = next((at for at, text in enumerate(lines, 1) if key.match(text)), None)
    return Problem(file=recipe.file, line=line, message=f"{array} {commit} {why}")


def subject_in(repo: pygit2.Repository, commit: str) -> str:
    found = repo[commit]
    assert isinstance(found, pygit2.Commit)
    encoding = found.message_encoding
    return subject_of(found.raw_message, None if encoding is None else encoding.encode()).strip()


def name_picks(
    recipe: Recipe,
    repo: pygit2.Repository,
    order: Sequence[tuple[str, EntryKind]],
    before: Mapping[str, str],
    merges: Collection[str],
    previous: Series | None,
    numbered: bool,
) -> list[Pick]:
    """Picks with names: a pin keeps the name it had, any other is named after its subject."""
    kept: dict[str, str] = {}
    taken: set[str] = set()
    for entry in () if previous is None else previous.entries:
        # The name of a pin that is gone is not given to another commit: its file may still be there.
        taken.add(entry.name)
        if entry.pin is not None:
            kept.setdefault(entry.pin, entry.name)
    reasons = {entry.commit: entry.reason for entry in (*recipe.prerequisites, *recipe.includes)}
    picks: list[Pick] = []
    plain: dict[str, str] = {}
    """The name each pick would have without a series before it."""
    for commit, kind in order:
        subject = subject_in(repo, commit)
        plain.setdefault(patch_name(subject, plain.keys()), commit)
        name = kept.get(commit) or patch_name(subject, taken)
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
    picks = _moved(recipe, picks, before, plain)
    if not numbered:
        return picks
    return [
        attrs.evolve(pick, name=numbered_name(number, pick.commit, pick.subject))
        for number, pick in enumerate(picks, 1)
    ]


def _moved(recipe: Recipe, picks: list[Pick], before: Mapping[str, str], plain: Mapping[str, str]) -> list[Pick]:
    """Prerequisites that name the patch they go before, there."""
    problems = []
    for commit, name in before.items():
        pick = next(pick for pick in picks if pick.commit == commit)
        rest = [other for other in picks if other is not pick]
        named = [at for at, other in enumerate(rest) if other.name == name]
        named += [at for at, other in enumerate(rest) if other.commit == plain.get(name)]
        if not named:
            problems.append(_misnamed(recipe, commit, "prerequisite", f"goes before {name}, which is not in the queue"))
            continue
        picks = [*rest[: named[0]], pick, *rest[named[0] :]]
    if problems:
        raise BadRecipe(problems)
    return picks
