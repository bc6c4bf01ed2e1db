# SPDX-License-Identifier: MIT
"""One run: a queue, or a stack of them, on one base; from the first tree read to the account of everything.

align → replay → follow what was retracted → restore what nothing covers. All in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
import pygit2

from ..errors import UnknownRevision
from ..values.alignment import Alignment
from ..values.override import Override
from ..values.paths import OwnedPaths
from ..values.person import Person
from ..values.recipe import Recipe
from ..values.result import BaseInfo, OverrideAccount
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
from .stack import Part, owners
from .store.objects import Objects
from .store.repository import BaseCommit, commit_tree, resolve_commit
from .store.tree import TreeEditor

if TYPE_CHECKING:
    from .directory.target import Target

__all__ = ["Job"]


@attrs.frozen(kw_only=True, eq=False)
class _Ground:
    """Owned paths that start from one root: those of a series, without what a lower one owns."""

    part: Part
    recipe: Recipe
    source: pygit2.Repository
    owned: OwnedPaths
    root: pygit2.Commit
    delta: BaseDelta

    @property
    def root_name(self) -> str:
        """What people call the root: as the recipe has it, else the range's start where that is it, else its id."""
        if self.recipe.root is not None:
            return self.recipe.root
        start = self.recipe.range_start
        return start if resolve_commit(self.source, start).id == self.root.id else str(self.root.id)[:12]


@attrs.define(kw_only=True, eq=False)
class Job:
    """What one run needs to know."""

    objects: Objects
    parts: tuple[Part, ...]
    """The series of the stack, the lowest first; most often there is one."""
    home: pygit2.Repository
    base: BaseCommit
    info: BaseInfo
    version: KernelVersion
    committer: Person | None
    progress: Progress | None
    memo: Memo | None = None
    fuzz: int = 0
    """Context lines that hunks of patches without blobs may leave out."""
    target: Target | None = None
    """The plain directory that is the base; None for a git repository."""
    warnings: tuple[str, ...] = ()
    """What was seen when the queue was read, and stands before the warnings of the run."""

    def run(self, *, align: bool) -> Result:
        """Replay the queue, aligned or plain."""
        grounds, warnings = self._grounds() if align else ((), ())
        warnings = (*self.warnings, *warnings)
        return self._aligned(grounds, warnings) if grounds else self._plain(Alignment(warnings=warnings))

    @property
    def _items(self) -> list[Item]:
        return [item for part in self.parts for item in part.items]

    def _grounds(self) -> tuple[Sequence[_Ground], tuple[str, ...]]:
        """What is to be aligned, and why some of it cannot be."""
        grounds = []
        warnings = []
        for part, owned in owners(self.parts):
            recipe, source = part.recipe, part.source
            assert recipe is not None
            of = f" of {part.name}" if len(self.parts) > 1 else ""
            if source is None:
                warnings.append(f"alignment needs the source{of}, which has the root: name it with --source")
                continue
            try:
                root = _root(recipe, source)
            except UnknownRevision as error:
                warnings.append(f"the base is not aligned: {error}")
                continue
            delta = read_delta(self.objects, source, self.home, owned, root, self.base, self.version)
            grounds.append(_Ground(part=part, recipe=recipe, source=source, owned=owned, root=root, delta=delta))
        return grounds, tuple(warnings)

    def _replay(self, assignment: Assignment) -> Replay:
        return Replay(
            objects=self.objects,
            base=self.base.id.raw,
            base_tree=commit_tree(self.base),
            base_name=self.info.rev,
            overrides=assignment.by_patch,
            committer=self.committer,
            memo=self.memo,
            fuzz=self.fuzz,
            renames=None if self.target is None else self.target.renames(self.objects),
        )

    def _assign(self, items: Sequence[Item], overrides: Sequence[Override]) -> Assignment:
        tree = TreeEditor(self.objects, commit_tree(self.base))

        def read(path: str) -> bytes | None:
            entry = tree.get(path)
            return None if entry is None else self.objects.read(entry.oid)

        return assign(overrides, items, self.version, read)

    def _own_overrides(self, items: Sequence[Item]) -> list[Assignment]:
        """The overrides of each series for its own entries among some."""
        if len(self.parts) == 1:
            return [self._assign(items, self.parts[0].overrides)]
        return [
            self._assign([item for item in items if item.series == part.name], part.overrides) for part in self.parts
        ]

    def _overrides_of_restored(self, items: Sequence[Item], first: Sequence[Assignment]) -> list[Assignment]:
        """What is restored belongs to the whole stack: an override of an upper series takes a lower one's place."""
        taken: set[str] = set()
        found = []
        for before in reversed(first):
            mine = self._assign(items, before.unmatched)
            above = [override_file(override) for name, override in mine.by_patch.items() if name in taken]
            found.append(
                attrs.evolve(
                    mine,
                    by_patch={name: override for name, override in mine.by_patch.items() if name not in taken},
                    not_needed=(*mine.not_needed, *above),
                )
            )
            taken |= set(mine.by_patch)
        return found[::-1]

    def _plain(self, alignment: Alignment) -> Result:
        items = self._items
        assignment = _together(self._own_overrides(items))
        replayed = self._replay(assignment).run(items, self.progress)
        return self._result(replayed, assignment, alignment)

    def _aligned(self, grounds: Sequence[_Ground], warnings: Sequence[str]) -> Result:
        items = self._items
        date = read_commit(self.base.read_raw()).author.rsplit(b"> ", 1)[-1]
        queue = [*self._align_items(grounds, items, date), *items]
        firsts = self._own_overrides(queue)
        first = _together(firsts)
        replay = self._replay(first)
        replayed = replay.run(queue, self.progress)
        base = TreeEditor(self.objects, commit_tree(self.base))
        accounts = [
            account(
                self.objects,
                ground.delta,
                items,
                replayed.outcomes,
                base,
                replay.tree,
                [entry for part in self.parts if part.recipe is not None for entry in part.recipe.acknowledged],
                ground.owned,
                (ground.root_name, TreeEditor(self.objects, commit_tree(ground.root))),
            )
            for ground in grounds
        ]
        names = {item.name for item in queue}
        restorations = [
            self._restored(ground, accounted, queue, names, date)
            for ground, accounted in zip(grounds, accounts, strict=True)
        ]
        restored = [item for restoration in restorations for item in restoration.items]
        seconds = self._overrides_of_restored(restored, firsts)
        replay.overrides = {**first.by_patch, **_together(seconds).by_patch}
        after = replay.run(restored)
        outcomes = {outcome.name: outcome for outcome in after.outcomes}
        brought = [change for restoration in restorations for change in restoration.changes]
        halves = [
            half
            for change, item in zip(brought, restored, strict=True)
            for half in half_retracted(self.objects, change, item, outcomes[item.name], base, replay.tree)
        ]
        told = [
            sentence
            for ground, accounted, restoration in zip(grounds, accounts, restorations, strict=True)
            for sentence in (*ground.delta.warnings, *accounted.warnings, *restoration.warnings)
        ]
        return self._result(
            attrs.evolve(after, outcomes=(*replayed.outcomes, *after.outcomes)),
            _together([_joined(one, two) for one, two in zip(firsts, seconds, strict=True)]),
            Alignment(
                retracted=tuple(entry for accounted in accounts for entry in accounted.retracted),
                restored=tuple(entry for restoration in restorations for entry in restoration.restored),
                acknowledged=tuple(entry for accounted in accounts for entry in accounted.acknowledged),
                reinstated=tuple(entry for accounted in accounts for entry in accounted.reinstated),
                lost=tuple(entry for restoration in restorations for entry in restoration.lost),
                half_retracted=(*(half for accounted in accounts for half in accounted.half_retracted), *halves),
                warnings=(*warnings, *told),
            ),
            [(ground, accounted.uncovered) for ground, accounted in zip(grounds, accounts, strict=True)],
        )

    def _align_items(self, grounds: Sequence[_Ground], items: Sequence[Item], date: bytes) -> list[Item]:
        """The entries at the bottom that bring owned paths to their roots."""
        found: list[Item] = []
        for ground in grounds:
            changes = owned_changes(self.objects, ground.owned, commit_tree(self.base), commit_tree(ground.root))
            if changes:
                item = align_item(self.objects, changes, ground.delta, ground.root_name, items, date)
                if any(other.name == item.name for other in found):
                    item = attrs.evolve(item, name=f"{item.name.removesuffix('.patch')}-of-{ground.part.name}.patch")
                found.append(attrs.evolve(item, series=ground.part.name))
        return found

    def _restored(
        self, ground: _Ground, accounted: Accounted, queue: Sequence[Item], names: set[str], date: bytes
    ) -> Restoration:
        if not accounted.uncovered:
            return Restoration()
        recipes = [part.recipe for part in self.parts if part.recipe is not None]
        found = Restorer(
            objects=self.objects,
            source=ground.source,
            owned=ground.owned,
            line=StableLine.of(self.objects, ground.source, ground.owned, ground.recipe.target_or_end),
            policy=ground.recipe.lost,
            left_out={name for item in queue for name in item.upstream}
            | {entry.commit for recipe in recipes for entry in recipe.excludes},
            # A directory's name would be told to whoever reads the patch of it.
            base_name=self.info.rev if self.target is None else f"Linux {self.version}",
            date=date,
            names=names,
        ).run(accounted.uncovered)
        return attrs.evolve(found, items=tuple(attrs.evolve(item, series=ground.part.name) for item in found.items))

    def _later(self, uncovered: Iterable[tuple[_Ground, Sequence[Uncovered]]]) -> LaterTargets:
        found = [
            remedies(self.objects, ground.source, ground.recipe, ground.owned, left)
            for ground, left in uncovered
            if left
        ]
        if len(found) < 2:
            return found[0] if found else LaterTargets()
        best = max(found, key=lambda later: later.covers)
        return attrs.evolve(best, changes=tuple(change for later in found for change in later.changes))

    def _result(
        self,
        replayed: Replayed,
        assignment: Assignment,
        alignment: Alignment,
        uncovered: Sequence[tuple[_Ground, Sequence[Uncovered]]] = (),
    ) -> Result:
        return Result(
            series=self.parts[-1].name,
            stack=tuple(part.name for part in self.parts),
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
            target=self.target,
        )


def _root(recipe: Recipe, source: pygit2.Repository) -> pygit2.Commit:
    if recipe.root is not None:
        return resolve_commit(source, recipe.root)
    start = resolve_commit(source, recipe.range_start)
    end = resolve_commit(source, recipe.range_end)
    merge_base = source.merge_base(start.id, end.id)
    if merge_base is None:
        raise UnknownRevision(f"{recipe.range} has no merge base in {source.path}; give the recipe a root")
    return source[merge_base].peel(pygit2.Commit)


def _together(assignments: Sequence[Assignment]) -> Assignment:
    """The overrides of all series of a stack as one account."""
    if len(assignments) == 1:
        return assignments[0]
    return Assignment(
        by_patch={name: override for one in assignments for name, override in one.by_patch.items()},
        not_needed=tuple(file for one in assignments for file in one.not_needed),
        drift=tuple(drift for one in assignments for drift in one.drift),
        unmatched=tuple(override for one in assignments for override in one.unmatched),
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
