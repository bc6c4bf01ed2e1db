# SPDX-License-Identifier: MIT
"""The middle of a queue on a base: a patch, the tree under it and the tree with it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...errors import BadInput, NeedsPerson
from ...values.override import Override
from ...values.result import Status
from ...values.series import SeriesEntry
from ..queue import Queue
from ..replay.commits import Step
from ..replay.item import Item
from ..replay.overrides import override_file
from ..replay.renames import RenameFinder
from ..replay.replay import Stuck
from ..result import Result
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor

__all__ = ["Point", "base_tree", "find_entry", "find_point", "step_trees", "tree_of"]


@attrs.frozen(kw_only=True, eq=False)
class Point:
    """One patch of a result."""

    queue: Queue
    result: Result
    item: Item
    step: Step
    before: Oid
    """Tree under the patch."""
    after: Oid
    """Tree with it."""
    override: Override | None
    """The one in force for it."""

    @property
    def objects(self) -> Objects:
        return self.result.objects

    @property
    def entry(self) -> SeriesEntry:
        found = self.queue.series.find(self.item.name)
        assert found is not None
        return found

    @property
    def paths(self) -> list[str]:
        """The files the patch changes on this base."""
        return [change.path for change in self.step.changes]

    def files(self, tree: Oid) -> Mapping[str, Entry | None]:
        """The patch's files in a tree."""
        editor = TreeEditor(self.objects, tree)
        return {path: editor.get(path) for path in self.paths}

    def stuck(self) -> Stuck:
        """The patch as if it were in conflict: what resolving works on."""
        renames = RenameFinder(self.objects, TreeEditor(self.objects, self.before))
        if self.item.before is not None:
            renames.refer(self.item.before)
        parent = _parent(self.objects, self.step.commit)
        return Stuck(
            objects=self.objects,
            item=self.item,
            override=self.override,
            base_name=self.result.base.rev,
            head=parent,
            tree=self.before,
            renames=renames,
        )


def find_point(queue: Queue, result: Result, name: str) -> Point:
    """A patch of a queue in its result, by name, or by a name without `.patch`.

    Raises BadInput where the queue has no such patch, or nothing of it is left on this base; NeedsPerson where the
    queue does not come so far.
    """
    entry = find_entry(queue, result, name)
    name = entry.name
    step = next((step for step in result.steps if step.name == name), None)
    outcome = next(patch for patch in result.patches if patch.name == name)
    if step is None:
        if outcome.status in (Status.UPSTREAM, Status.SKIPPED):
            raise BadInput(
                f"{name} is {outcome.status.value} on {result.base.rev}: nothing of it is left to edit there"
            )
        first = next((patch.name for patch in result.patches if patch.status is Status.CONFLICT), name)
        reasons = result.reasons()
        raise NeedsPerson(
            [
                *([reason for reason in reasons if reason.startswith(f"conflict: {first}:")] or reasons),
                f"{name} is not reached; `mptcp-series resolve` answers the first conflict",
            ]
        )
    before, after = step_trees(result.objects, step)
    override = next(
        (one for one in queue.overrides if outcome.override is not None and override_file(one) == outcome.override),
        None,
    )
    item = queue.item(result.objects, entry)
    return Point(queue=queue, result=result, item=item, step=step, before=before, after=after, override=override)


def find_entry(queue: Queue, result: Result, name: str) -> SeriesEntry:
    """A line of the series by the patch's name, with or without `.patch`. Raises BadInput."""
    for entry in queue.series.entries:
        if name in (entry.name, entry.name.removesuffix(".patch")):
            return entry
    made = [patch for patch in result.patches if name in (patch.name, patch.name.removesuffix(".patch"))]
    if made:
        raise BadInput(
            f"{made[0].name} is no line of {queue.series.file}: every run makes it anew from the base "
            f"({made[0].kind.value})"
        )
    raise BadInput(f"{queue.series.file}: no patch {name!r} in the series")


def step_trees(objects: Objects, step: Step) -> tuple[Oid, Oid]:
    """The trees before and with a commit of a result."""
    return tree_of(objects, _parent(objects, step.commit)), tree_of(objects, step.commit)


def base_tree(result: Result) -> Oid:
    """The tree under the first commit of a result."""
    return step_trees(result.objects, result.steps[0])[0]


def tree_of(objects: Objects, commit: Oid) -> Oid:
    """The tree of a commit."""
    return bytes.fromhex(objects.read(commit).split(b"\n", 1)[0].removeprefix(b"tree ").decode())


def _parent(objects: Objects, commit: Oid) -> Oid:
    lines = objects.read(commit).split(b"\n\n", 1)[0].split(b"\n")
    return bytes.fromhex(next(line for line in lines if line.startswith(b"parent ")).removeprefix(b"parent ").decode())
