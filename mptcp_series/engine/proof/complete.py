# SPDX-License-Identifier: MIT
"""The owned paths as the queue would make them if nothing were left out: what a target is held against, line by line.

A line that the target has and a result lacks was left out by somebody, and a line that is in a result only would have
been taken away by somebody. To know by whom, the queue is laid over the aligned base once more, with every hunk that
an override drops, every patch it skips and every commit the recipe excludes; each of these is a layer of its own, so
its lines are its own. What is then still not as in the target, nothing of the queue brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import pygit2

from ...values.override import Override
from ...values.paths import OwnedPaths
from ...values.recipe import CommitReason, Recipe
from ...values.result import EntryKind, PatchOutcome
from ...values.series import SeriesEntry
from ..queue import Queue
from ..replay.bring import Bringer, in_order
from ..replay.change import Change
from ..replay.item import Item, item_from_commit
from ..replay.overrides import adapt, override_file
from ..replay.renames import RenameFinder
from ..replay.settle import Labels
from ..result import Result
from ..store.objects import Entry, Objects, Oid
from ..store.repository import resolve_commit
from ..store.tree import TreeEditor
from .annotate import Annotator
from .layers import Layer, Origin, Part, base_tree, result_layers

__all__ = ["complete_queue"]


@attrs.frozen(kw_only=True)
class _Entry:
    """An entry of the complete queue: what it changes, and what of that is in the result."""

    item: Item
    override: Override | None = None
    reason: str | None = None
    """Why the recipe leaves all of it out."""
    origin: Origin


def complete_queue(queue: Queue, result: Result, owned: OwnedPaths) -> Annotator:
    """Lay the complete queue over the aligned base of a result; only owned paths are brought.

    Raises MissingObject for an excluded commit the source does not have.
    """
    objects = result.objects
    base = base_tree(result)
    tree = TreeEditor(objects, base)
    layers = [layer for layer in result_layers(result) if layer.origin.kind is EntryKind.ALIGN]
    for layer in layers:
        for path, there in sorted(layer.files.items(), key=lambda file: file[1] is not None):
            tree.put(path, there)
    tree.take_journal()
    renames = RenameFinder(objects, tree)
    layman = _Layman(objects=objects, tree=tree, bringer=Bringer(objects=objects, tree=tree, renames=renames))
    for entry in _entries(queue, result, objects, base):
        changes = [change for change in entry.item.changes if _touches(change, owned)]
        if changes:
            if entry.item.before is not None:
                renames.refer(entry.item.before)
            layers += layman.lay(entry, changes)
    before = TreeEditor(objects, base)
    return Annotator(objects, before.get, layers)


def _touches(change: Change, owned: OwnedPaths) -> bool:
    return owned.contains(change.path) or owned.contains(change.old_path)


@attrs.define(kw_only=True)
class _Layman:
    """Lays entries over a tree, what is kept and what is left out of each apart."""

    objects: Objects
    tree: TreeEditor
    bringer: Bringer

    def lay(self, entry: _Entry, changes: Sequence[Change]) -> Iterator[Layer]:
        kept = self._kept(entry, changes)
        if kept == tuple(changes):
            files, _ = self._bring(entry.item, changes)
            if files:
                yield Layer(origin=entry.origin, files=files)
            return
        part, before = self._bring(entry.item, kept)
        for path, was in sorted(before.items(), key=lambda file: file[1] is not None):
            self.tree.put(path, was)
        self.tree.take_journal()
        whole, was_before = self._bring(entry.item, changes)
        if part:
            yield Layer(origin=entry.origin, files=part)
        left_out = attrs.evolve(entry.origin, part=Part.LEFT_OUT, reason=entry.reason)
        files = {path: self.tree.get(path) for path in sorted({*part, *whole, *was_before})}
        yield Layer(origin=left_out, files=files)

    def _kept(self, entry: _Entry, changes: Sequence[Change]) -> tuple[Change, ...]:
        """What of the changes is in the result, the diff of an override not counted."""
        if entry.reason is not None or (entry.override is not None and entry.override.skip):
            return ()
        if entry.override is None:
            return tuple(changes)
        paths = {path for change in changes for path in (change.path, change.old_path)}
        adapted = adapt(self.objects, entry.item, entry.override).changes
        return tuple(change for change in adapted if change.path in paths or change.old_path in paths)

    def _bring(
        self, item: Item, changes: Sequence[Change]
    ) -> tuple[Mapping[str, Entry | None], Mapping[str, Entry | None]]:
        """The files that changes write, by path, and what was there before."""
        labels = Labels(ours="the queue so far", base=f"before {item.name}", theirs=item.name)
        for change in in_order(changes):
            # Where lines collide the patch's own are taken: the target is made of the same patches.
            self.bringer.bring(change, labels)
        journal = self.tree.take_journal()
        return {path: now for path, _, now in journal}, {path: was for path, was, _ in journal}


def _entries(queue: Queue, result: Result, objects: Objects, base: Oid) -> Iterator[_Entry]:
    """Every entry of the queue in its order, with the commits the recipes exclude where they would stand."""
    tree = TreeEditor(objects, base)

    def read(path: str) -> bytes | None:
        entry = tree.get(path)
        return None if entry is None else objects.read(entry.oid)

    outcomes = {outcome.name: outcome for outcome in result.patches}
    for one in queue.stack:
        items = one.on_base(one.items(objects), read)
        overrides = {override_file(override): override for override in one.overrides}
        placed = _excluded(one, objects, items)
        for at, item in enumerate(items):
            yield from placed.get(at, ())
            yield _queued(item, outcomes[item.name], overrides)
        yield from placed.get(len(items), ())


def _queued(item: Item, outcome: PatchOutcome, overrides: Mapping[str, Override]) -> _Entry:
    override = None if outcome.override is None else overrides[outcome.override]
    return _Entry(
        item=item,
        override=override,
        reason=item.skip_reason,
        origin=Origin(
            name=item.name,
            kind=item.kind,
            override=outcome.override,
            reason=None if override is None else override.reason,
        ),
    )


def _excluded(queue: Queue, objects: Objects, items: Sequence[Item]) -> Mapping[int, list[_Entry]]:
    """The excluded commits of a recipe, by the number of the entry each would stand before."""
    recipe, source = queue.recipe, queue.source
    if recipe is None or source is None or not recipe.excludes:
        return {}
    found: list[tuple[CommitReason, Item]] = []
    for excluded in recipe.excludes:
        entry = SeriesEntry(name=excluded.commit, pin=excluded.commit)
        item = item_from_commit(source, objects, entry, EntryKind.PATCH, recipe.owned)
        if any(_touches(change, recipe.owned) for change in item.changes):
            found.append((excluded, item))
    order = _history(source, recipe, {excluded.commit for excluded, _ in found} | {item.commit for item in items})
    placed: dict[int, list[_Entry]] = {}
    for excluded, item in sorted(found, key=lambda one: order.get(one[0].commit, -1)):
        place = order.get(excluded.commit, -1)
        at = next((at for at, other in enumerate(items) if order.get(other.commit or "", -1) > place), len(items))
        origin = Origin(name=excluded.commit, kind=None, reason=excluded.reason)
        placed.setdefault(at, []).append(_Entry(item=item, reason=excluded.reason, origin=origin))
    return placed


def _history(source: pygit2.Repository, recipe: Recipe, wanted: Iterable[str | None]) -> Mapping[str, int]:
    """The place of commits in the recipe's range, oldest first; those outside of it have none."""
    names = set(wanted)
    start, end = (resolve_commit(source, rev) for rev in (recipe.range_start, recipe.range_end))
    walker = source.walk(end.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
    walker.hide(start.id)
    return {name: at for at, commit in enumerate(walker) if (name := str(commit.id)) in names}
