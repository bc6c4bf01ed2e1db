# SPDX-License-Identifier: MIT
"""One queue on one base, from the first tree read to the account of everything: the order of the steps.

align → replay → follow what was retracted → restore what nothing covers. All in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pygit2

from ..errors import UnknownRevision
from ..values.override import Override
from ..values.paths import OwnedPaths
from ..values.person import Person
from ..values.recipe import Recipe
from ..values.result import Alignment, BaseInfo, OverrideAccount
from ..values.version import KernelVersion
from .alignment.align import Accounted, Uncovered, account, align_item, half_retracted
from .alignment.basechanges import read_delta
from .alignment.delta import BaseDelta
from .alignment.restore import Restoration, Restorer
from .alignment.stable import LaterTargets, StableLine, remedies
from .replay.item import Item, read_commit
from .replay.memo import Memo
from .replay.overrides import Assignment, assign, override_file
from .replay.owned import owned_changes
from .replay.replay import Progress, Replay, Replayed
from .result import Result
from .store.objects import Objects
from .store.repository import commit_tree, resolve_commit
from .store.tree import TreeEditor

__all__ = ["Job"]


@attrs.define(kw_only=True, eq=False)
class Job:
    """What one run needs to know."""

    objects: Objects
    name: str
    recipe: Recipe | None
    overrides: tuple[Override, ...]
    source: pygit2.Repository | None
    home: pygit2.Repository
    base: pygit2.Commit
    info: BaseInfo
    version: KernelVersion
    committer: Person | None
    progress: Progress | None
    memo: Memo | None = None

    def run(self, items: Sequence[Item], *, align: bool) -> Result:
        """Replay the queue, aligned or plain."""
        aligned = self._delta() if align else None
        if aligned is None:
            return self._plain(items, Alignment())
        delta, root = aligned
        if root is None:
            return self._plain(items, Alignment(warnings=delta.warnings))
        return self._aligned(items, delta, root)

    def _delta(self) -> tuple[BaseDelta, pygit2.Commit | None] | None:
        """What the base changed since root; None where nothing is owned or nothing differs."""
        if self.recipe is None or not self.recipe.owned.patterns:
            return None
        if self.source is None:
            return self._unaligned("alignment needs the source, which has the root: name it with --source")
        try:
            root = self._root(self.source)
        except UnknownRevision as error:
            return self._unaligned(f"the base is not aligned: {error}")
        delta = read_delta(self.objects, self.source, self.home, self.recipe.owned, root, self.base, self.version)
        return delta, root

    def _unaligned(self, why: str) -> tuple[BaseDelta, None]:
        return BaseDelta(warnings=(why,)), None

    def _root(self, source: pygit2.Repository) -> pygit2.Commit:
        assert self.recipe is not None
        if self.recipe.root is not None:
            return resolve_commit(source, self.recipe.root)
        start = resolve_commit(source, self.recipe.range_start)
        end = resolve_commit(source, self.recipe.range_end)
        merge_base = source.merge_base(start.id, end.id)
        if merge_base is None:
            raise UnknownRevision(f"{self.recipe.range} has no merge base in {source.path}; give the recipe a root")
        return source[merge_base].peel(pygit2.Commit)

    def _replay(self, assignment: Assignment) -> Replay:
        return Replay(
            objects=self.objects,
            base=self.base.id.raw,
            base_tree=commit_tree(self.base),
            base_name=self.info.rev,
            overrides=assignment.by_patch,
            committer=self.committer,
            memo=self.memo,
        )

    def _assign(self, items: Sequence[Item], overrides: Sequence[Override]) -> Assignment:
        tree = TreeEditor(self.objects, commit_tree(self.base))

        def read(path: str) -> bytes | None:
            entry = tree.get(path)
            return None if entry is None else self.objects.read(entry.oid)

        return assign(overrides, items, self.version, read)

    def _plain(self, items: Sequence[Item], alignment: Alignment) -> Result:
        assignment = self._assign(items, self.overrides)
        replayed = self._replay(assignment).run(items, self.progress)
        return self._result(replayed, assignment, alignment)

    def _aligned(self, items: Sequence[Item], delta: BaseDelta, root: pygit2.Commit) -> Result:
        recipe, source = self.recipe, self.source
        assert recipe is not None
        assert source is not None
        owned = recipe.owned
        root_name = self._root_name(source, root)
        date = read_commit(self.base.read_raw()).author.rsplit(b"> ", 1)[-1]
        changes = owned_changes(self.objects, owned, commit_tree(self.base), commit_tree(root))
        queue = list(items)
        if changes:
            queue = [align_item(self.objects, changes, delta, root_name, items, date), *items]
        first = self._assign(queue, self.overrides)
        replay = self._replay(first)
        replayed = replay.run(queue, self.progress)
        base = TreeEditor(self.objects, commit_tree(self.base))
        accounted = account(
            self.objects,
            delta,
            items,
            replayed.outcomes,
            base,
            replay.tree,
            recipe.acknowledged,
            owned,
            (root_name, TreeEditor(self.objects, commit_tree(root))),
        )
        restoration = self._restored(owned, source, accounted, queue, date)
        second = self._assign(restoration.items, first.unmatched)
        replay.overrides = {**first.by_patch, **second.by_patch}
        after = replay.run(restoration.items)
        outcomes = {outcome.name: outcome for outcome in after.outcomes}
        halves = [
            half
            for change, item in zip(restoration.changes, restoration.items, strict=True)
            for half in half_retracted(self.objects, change, item, outcomes[item.name], base, replay.tree)
        ]
        return self._result(
            attrs.evolve(after, outcomes=(*replayed.outcomes, *after.outcomes)),
            _joined(first, second),
            Alignment(
                retracted=accounted.retracted,
                restored=restoration.restored,
                acknowledged=accounted.acknowledged,
                reinstated=accounted.reinstated,
                lost=restoration.lost,
                half_retracted=(*accounted.half_retracted, *halves),
                warnings=(*delta.warnings, *accounted.warnings, *restoration.warnings),
            ),
            accounted,
        )

    def _root_name(self, source: pygit2.Repository, root: pygit2.Commit) -> str:
        """What people call the root: as the recipe has it, else the range's start where that is it, else its id."""
        assert self.recipe is not None
        if self.recipe.root is not None:
            return self.recipe.root
        start = self.recipe.range_start
        return start if resolve_commit(source, start).id == root.id else str(root.id)[:12]

    def _restored(
        self,
        owned: OwnedPaths,
        source: pygit2.Repository,
        accounted: Accounted,
        queue: Sequence[Item],
        date: bytes,
    ) -> Restoration:
        recipe = self.recipe
        assert recipe is not None
        if not accounted.uncovered:
            return Restoration()
        return Restorer(
            objects=self.objects,
            source=source,
            owned=owned,
            line=StableLine.of(self.objects, source, owned, recipe.target_or_end),
            policy=recipe.lost,
            left_out={name for item in queue for name in item.upstream} | {entry.commit for entry in recipe.excludes},
            base_name=self.info.rev,
            date=date,
            names={item.name for item in queue},
        ).run(accounted.uncovered)

    def _later(self, uncovered: Sequence[Uncovered]) -> LaterTargets:
        if not uncovered:
            return LaterTargets()
        assert self.source is not None
        assert self.recipe is not None
        return remedies(self.objects, self.source, self.recipe, uncovered)

    def _result(
        self,
        replayed: Replayed,
        assignment: Assignment,
        alignment: Alignment,
        accounted: Accounted | None = None,
    ) -> Result:
        uncovered = () if accounted is None else accounted.uncovered
        return Result(
            series=self.name,
            base=self.info,
            overrides=OverrideAccount(
                used=replayed.used,
                not_needed=assignment.not_needed,
                drift=(*assignment.drift, *replayed.drift),
            ),
            alignment=alignment,
            objects=self.objects,
            replayed=replayed,
            later=lambda: self._later(uncovered),
        )


def _joined(first: Assignment, second: Assignment) -> Assignment:
    """One account of the overrides for both parts of the queue.

    For what has no patch in the second part either, the word of the first stands.
    """
    nowhere = {override_file(override) for override in second.unmatched}
    moved = {override_file(override) for override in first.unmatched} - nowhere
    return Assignment(
        by_patch={**first.by_patch, **second.by_patch},
        not_needed=(
            *(file for file in first.not_needed if file not in moved),
            *(file for file in second.not_needed if file in moved),
        ),
        drift=(
            *(drift for drift in first.drift if drift.file not in moved),
            *(drift for drift in second.drift if drift.file in moved),
        ),
        unmatched=second.unmatched,
    )
