# SPDX-License-Identifier: MIT
"""What a queue needs that its base lacks and its target has.

A need is used in a line the queue wrote, is not defined in what that line can see of the base, and is defined in what
it would see in the target, outside the files the stack owns. The queue may bring it itself, in one of its hunks
outside the stack. An identifier of the stack's own files that the result lacks and the target has is a need as well.

All is worked out on the result with its overrides: what an override takes out or rewrites is used no more.
"""

from __future__ import annotations

import attrs
import pygit2

from ...errors import BadInput, EnvironmentFault, UnknownRevision
from ...values.need import Introduction, Need, NeedKind, Needs
from ...values.recipe import Recipe
from ..queue import Queue
from ..replay.change import tree_changes
from ..replay.replay import Progress
from ..result import Result
from ..store.objects import Objects, Oid
from ..store.repository import commit_tree, resolve_commit
from ..store.tree import path_bytes, path_text
from .answers import Answers
from .config import config_requirements, kconfig_files
from .former import Former, Formers, renamed_from
from .later import LaterReleases
from .lookup import View, entry_at, is_c
from .origin import Found, Origins
from .propose import condition_for, proposals
from .requirement import Requirement
from .reverse import find_reverse
from .scene import Scene
from .search import requirements
from .symbols import Definition

__all__ = ["Needs", "find_needs"]


def find_needs(result: Result, queue: Queue, progress: Progress | None = None) -> Needs:
    """Find what the queue needs on the base of a result.

    progress: called with (needs looked into, needs in all).

    Raises BadInput for a queue without a recipe, EnvironmentFault where there is no source or it does not have the
    target, MissingObject for a tree that is not whole.
    """
    recipe = queue.recipe
    if recipe is None:
        raise BadInput("what a queue needs is told by its target, and only a recipe names that", file=queue.series.file)
    if queue.source is None:
        raise EnvironmentFault("definitions are looked for in the source: name it with --source")
    try:
        target = resolve_commit(queue.source, recipe.target_or_end)
    except UnknownRevision as error:
        raise EnvironmentFault(f"no target to look for definitions in: {error}") from error
    return _Finder(result, recipe, queue.source, target).needs(progress)


class _Finder:
    """One result, held against its base and the target."""

    def __init__(self, result: Result, recipe: Recipe, source: pygit2.Repository, target: pygit2.Commit) -> None:
        self._recipe = recipe
        self._scene = Scene.of(result, recipe.owned, commit_tree(target))
        self._target_tree = commit_tree(target)
        sources, objects = self._scene.sources, self._scene.objects
        self._origins = Origins(objects, sources, source, target)
        self._later = LaterReleases(objects, sources, source, result.base.version)
        self._formers = Formers(self._scene.base, self._scene.target, self._files_near())
        self._answers = Answers.read(recipe, result)

    def needs(self, progress: Progress | None) -> Needs:
        scene = self._scene
        required = [*requirements(scene), *self._config()]
        found = []
        for done, requirement in enumerate(required, start=1):
            found.append(self._need(requirement))
            if progress is not None:
                progress(done, len(required))
        found.sort(key=lambda need: (need.brought_by is not None, not need.unmet, need.identifier, need.kind.value))
        return Needs(
            target=self._recipe.target_or_end,
            upto=self._later.newest,
            needs=tuple(found),
            reverse=find_reverse(scene, self._later),
            proposals=tuple(proposals(found, self._answers)),
            warnings=tuple(self._answers.warnings(found)),
        )

    def _config(self) -> list[Requirement]:
        scene = self._scene
        base = kconfig_files(scene.objects, scene.base_tree)
        for path in {*base, *scene.touched}:
            oid = scene.known.oid(path) if scene.owned.contains(path) and "Kconfig" in path else None
            if oid is not None:
                base[path] = oid
        return list(
            config_requirements(
                scene.sources, scene.touched, base, lambda: kconfig_files(scene.objects, self._target_tree)
            )
        )

    def _need(self, requirement: Requirement) -> Need:
        definition, path = requirement.definition, requirement.path
        brought_by, change = self._brought(requirement)
        if change is None:
            change = self._misfit(requirement)
        former, introduced = self._history(requirement)
        roots = [file.path for file in self._scene.c_files]
        return Need(
            identifier=requirement.identifier,
            kind=definition.kind,
            defined_in=path,
            line=definition.line,
            used_by=requirement.uses,
            introduced_by=introduced,
            former_name=None if former is None else former.name,
            former_place=None if former is None else former.place,
            base_release=self._later.first_with(requirement, roots),
            brought_by=brought_by,
            answered_by=None if brought_by is not None else self._answers.to(introduced),
            change=change,
            when=condition_for(requirement, self._scene.base.data(path), self._scene.target.data(path)),
        )

    def _brought(self, requirement: Requirement) -> tuple[str | None, str | None]:
        """The entry whose line defines it in the result; else how what the queue defines differs."""
        for path, file in self._scene.touched.items():
            oid = self._scene.made.oid(path)
            if oid is None or self._scene.owned.contains(path):
                continue
            if requirement.definition.kind is NeedKind.INCLUDE:
                if path == requirement.path:
                    return file.annotated.history[0].origin.name, None
                continue
            config = requirement.definition.kind is NeedKind.CONFIG
            if not (path.endswith(".h") or (config and "Kconfig" in path)):
                continue
            sources = self._scene.sources
            named = sources.kconfig(oid) if config else sources.named(oid, (requirement.name,))
            met = requirement.met_among(named.get(requirement.name, ()))
            if met is None:
                continue
            # Of a prototype that changed, the line with the name may be the base's, and one behind it the queue's.
            names = file.annotated.names(met.line, met.line) or file.annotated.names(met.line, met.line + _PROTOTYPE)
            name = names[0] if names else file.last
            if requirement.same_as_target(met):
                return name, None
            return None, f"{name} brings it as `{met.signature}`, the target has `{requirement.definition.signature}`"
        return None, None

    def _misfit(self, requirement: Requirement) -> str | None:
        """How the base's own definition differs, where it has one that the code can see."""
        if requirement.definition.kind in (NeedKind.INCLUDE, NeedKind.CONFIG):
            return None
        near = requirement.near_among(self._scene.visible(requirement.name))
        misfit = None if near is None else requirement.misfit(near)
        return None if misfit is None else f"in the base {misfit}"

    def _history(self, requirement: Requirement) -> tuple[Former | None, Introduction | None]:
        """What the base has instead, and the commit that introduces what is needed."""
        former = self._formers.find(requirement)
        found = self._origins.find(requirement)
        if found is None:
            return former, None
        renamed = None if former is not None else self._renamed_by(requirement, found)
        if renamed is None:
            return former, found.introduction
        path, old = renamed
        place = self._formers.place_of(old.name, path)
        if place is not None:
            return Former(name=old.name, place=place), found.introduction
        # The base lacks it under its old name as well: another commit is needed before this one.
        earlier = attrs.evolve(requirement, name=old.name, definition=old, path=path)
        before = self._origins.find(earlier, found.parent)
        introduction = attrs.evolve(found.introduction, former=None if before is None else before.introduction)
        return None, introduction

    def _renamed_by(self, requirement: Requirement, found: Found) -> tuple[str, Definition] | None:
        """The function a commit of its own renamed: its trees are nearer to each other than base and target are."""
        if found.parent is None or not found.introduction.exact:
            return None
        if requirement.definition.kind is not NeedKind.FUNCTION:
            return None
        trees = (found.parent.tree_id.raw, found.commit.tree_id.raw)
        before, after = (self._at(tree) for tree in trees)
        for change in tree_changes(self._scene.objects, *trees, renames=False):
            old = renamed_from(requirement.name, before, after, change.path) if is_c(change.path) else None
            if old is not None:
                return change.path, old
        return None

    def _at(self, tree: Oid) -> View:
        return View(self._scene.sources, lambda path: entry_at(self._scene.objects, tree, path))

    def _files_near(self) -> tuple[str, ...]:
        """The .c files beside those the queue touches, in the base and in the target."""
        directories = dict.fromkeys(path.rpartition("/")[0] for path in self._scene.touched if path.endswith(".c"))
        found: dict[str, None] = {}
        for directory in directories:
            for tree in (self._scene.base_tree, self._target_tree):
                found |= dict.fromkeys(_c_files(self._scene.objects, tree, directory))
        return tuple(found)


_PROTOTYPE = 6
"""Lines of a long prototype."""


def _c_files(objects: Objects, tree: Oid, directory: str) -> list[str]:
    for name in path_bytes(directory).split(b"/"):
        entry = objects.peek(tree, name)
        if entry is None or not entry.is_tree:
            return []
        tree = entry.oid
    return [
        f"{directory}/{path_text(name)}"
        for name, entry in objects.tree(tree).items()
        if entry.is_text and name.endswith(b".c")
    ]
