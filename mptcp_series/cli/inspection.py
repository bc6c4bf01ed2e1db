# SPDX-License-Identifier: MIT
"""What the override commands look at: override files where they are, the hunks of a patch, the files of a base."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from ..engine.queue import Queue, load_overrides, override_directories
from ..engine.replay.change import TextChange, file_hunks
from ..engine.replay.item import Item
from ..engine.replay.overrides import find_target, override_diff
from ..engine.review.reading import Reading
from ..engine.runs import Runs
from ..engine.store.files import read_input
from ..engine.store.objects import Objects
from ..engine.store.repository import base_info, commit_tree, open_repository, resolve_commit
from ..engine.store.tree import TreeEditor
from ..errors import BadInput, EnvironmentFault
from ..values.hunk import Hunk, hunk_ids
from ..values.naming import did_you_mean
from ..values.override import Override
from ..values.recipe import Recipe
from ..values.result import BaseInfo
from .options import Run

__all__ = [
    "Base",
    "Found",
    "NamedHunks",
    "Shown",
    "find_item",
    "named_hunks",
    "overrides_of",
    "queue_items",
    "read_stack",
    "target_of",
]


@attrs.frozen(kw_only=True)
class Found:
    """An override and the file it is in."""

    path: Path
    override: Override

    @property
    def diff_paths(self) -> tuple[str, ...]:
        """The files its diff changes; none for a diff that cannot be read, which `override check` reports."""
        return tuple(file.path for file in override_diff(self.override, []))

    def answers_to(self, text: str) -> bool:
        """Whether someone who names this file means it: by its name alone, as reports have it, or by a path to it."""
        absolute = self.path.absolute()
        return text in (self.path.name, "/".join(absolute.parts[-2:])) or Path(text).absolute() == absolute


@attrs.frozen(kw_only=True)
class NamedHunks:
    """The hunks a patch has in one file, by the ids overrides use."""

    path: str
    hunks: tuple[tuple[str, Hunk], ...]


def overrides_of(run: Run) -> tuple[Found, ...]:
    """Every override the settings name. The series file need not be there: an override can be read without it."""
    directory = run.series()
    file = directory / "recipe.toml"
    recipe = Recipe.parse(read_input(file), str(file)) if file.is_file() else None
    places = override_directories(directory, recipe, run.overrides())
    overrides = load_overrides(places)
    paths = [path for place in places for path in sorted(place.glob("*.patch"))]
    return tuple(Found(path=path, override=override) for path, override in zip(paths, overrides, strict=True))


@attrs.frozen(kw_only=True)
class Base:
    """A base as overrides see it."""

    info: BaseInfo
    _force: dict[Path, bool]

    @classmethod
    def read(cls, run: Run, found: Sequence[Found]) -> Base:
        """Ask which overrides are in force on the base the settings name."""
        home = open_repository(run.repo())
        rev = run.base()
        commit = resolve_commit(home, rev)
        objects = Objects(home)
        info, version = base_info(objects, commit, rev)
        tree = TreeEditor(objects, commit_tree(commit))

        def content(path: str) -> bytes | None:
            entry = tree.get(path)
            return None if entry is None else objects.read(entry.oid)

        return cls(info=info, force={one.path: one.override.in_force(version, content) for one in found})

    def in_force(self, found: Found) -> bool:
        return self._force[found.path]


def queue_items(queue: Queue) -> tuple[Objects, list[Item]]:
    """The patches of a queue, read. Raises EnvironmentFault where no repository was named to read them from."""
    if queue.source is None:
        raise EnvironmentFault("reading the patches needs a repository: name the source with --source")
    objects = Objects(queue.source)
    return objects, queue.items(objects)


def read_stack(queue: Queue) -> Reading:
    """The patches of a queue and of those it is stacked on, on no base. Raises as `queue_items`."""
    if any(one.source is None for one in queue.stack):
        raise EnvironmentFault("reading the patches needs a repository for every series: name them with --source")
    return Reading.of(Runs(queue, None))


def find_item(queue: Queue, items: Sequence[Item], text: str, noun: str = "patch") -> Item:
    """The patch someone names: by file name (`.patch` may be left out), subject, or commit id of 7 digits or more.

    Raises BadInput where none or several fit.
    """
    wanted = text.lower()
    rules = (
        lambda item: item.name == text,
        lambda item: item.name == f"{text}.patch",
        lambda item: item.subject == text,
        lambda item: len(text) >= 7 and any(commit.startswith(wanted) for commit in item.upstream),
    )
    for rule in rules:
        found = [item for item in items if rule(item)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(item.name for item in found)
            raise BadInput(f"{text!r} fits {len(found)} patches: {names}", file=queue.series.file)
    hint = did_you_mean(text, [item.name for item in items])
    raise BadInput(f"no {noun} of the series is {text!r}{hint}", file=queue.series.file)


def named_hunks(objects: Objects, item: Item) -> tuple[NamedHunks, ...]:
    """The hunks of a patch file by file, sorted by path. A rename is a deletion and an addition: ids know no other."""
    files: dict[str, Sequence[Hunk]] = {}
    for change in item.changes:
        if isinstance(change, TextChange):
            files[change.path] = change.file.hunks
        elif change.renames:
            files[change.old_path] = file_hunks(objects, change.old, None)
            files[change.path] = file_hunks(objects, None, change.new)
        else:
            files[change.path] = file_hunks(objects, change.old, change.new)
    return tuple(
        NamedHunks(path=path, hunks=tuple(zip(hunk_ids(hunks), hunks, strict=True)))
        for path, hunks in sorted(files.items())
    )


def target_of(override: Override, items: Sequence[Item]) -> Item | None:
    """The patch an override is for; None where there is not exactly one."""
    return find_target(override, items)[0]


@attrs.frozen(kw_only=True)
class Shown:
    """An override beside the patch it is for."""

    found: Found
    in_force: bool | None
    item: Item | None
    files: tuple[NamedHunks, ...]

    @classmethod
    def of(cls, found: Found, base: Base | None, objects: Objects, items: Sequence[Item]) -> Shown:
        item = target_of(found.override, items)
        return cls(
            found=found,
            in_force=None if base is None else base.in_force(found),
            item=item,
            files=() if item is None else named_hunks(objects, item),
        )

    def drops(self, path: str, identifier: str) -> bool:
        """Whether the override leaves this hunk out."""
        return self.found.override.drops(path, identifier)

    def concerns(self, path: str) -> bool:
        """Whether the override changes what the patch does to this file."""
        override = self.found.override
        return override.skip or path in self.found.diff_paths or any(target.path == path for target in override.drop)
