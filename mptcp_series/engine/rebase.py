# SPDX-License-Identifier: MIT
"""Moves a queue from one base to another and says what changed and why.

The queue is replayed on both bases in memory and compared patch by patch, by hunk bodies: a hunk that
only stands elsewhere has not changed. What the new base brings (a drop, a conflict) is followed to the
release, and where the history is there to the commit, by bisecting in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
import pygit2

from ..values.hunk import hunk_ids
from ..values.patch import Patch
from ..values.rebased import Move, OverrideMove, PatchMove, Rebased, move_of
from ..values.result import EntryKind, PatchOutcome, Status
from .basechanges import commit_at, release_tags
from .change import BlobChange, file_hunks
from .files import replace_file
from .objects import Objects
from .place import place
from .queue import Queue
from .render import render_patch
from .replay import Step
from .repository import Place, open_repository, resolve_commit
from .result import Result

__all__ = ["Move", "Rebase", "rebase"]

Evaluate = Callable[[str], Result]


@attrs.frozen(kw_only=True, eq=False)
class Rebase:
    """Both results and the account of the difference."""

    account: Rebased
    before: Result
    after: Result

    def rewrite(self, directory: Path) -> tuple[Path, ...]:
        """Bring a directory of materialised patches to the new base; the files that changed.

        A patch whose hunks did not change, and that still places on the new base, keeps its bytes.
        Raises NeedsPerson while the new base needs one.
        """
        self.after.require()
        changed = []
        for step in self.after.steps:
            path = directory / step.name
            old = path.read_bytes() if path.is_file() else None
            if old is not None and _still_right(self.after.objects, old, str(path), step):
                continue
            data = render_patch(self.after.objects, step.raw, step.changes)
            if data != old:
                replace_file(path, data)
                changed.append(path)
        return tuple(changed)


def _still_right(objects: Objects, data: bytes, file: str, step: Step) -> bool:
    """Whether a patch file as it is leads from the step's pre-images to its post-images."""
    changes = {change.path: change for change in step.changes}
    patch = Patch.parse(data, file)
    if {change.path for change in patch.changes} != set(changes):
        return False
    for file_change in patch.changes:
        change = changes[file_change.path]
        if change.old is None or change.new is None or file_change.binary is not None:
            if file_hunk_ids(objects, change) != tuple(file_change.hunk_ids):
                return False
            continue
        placed = place(objects.read(change.old.oid), file_change.hunks)
        if not placed.complete or placed.content != objects.read(change.new.oid):
            return False
        if file_change.new_mode not in (None, change.new.mode):
            return False
    return True


def rebase(
    queue: Queue,
    repo: Place,
    *,
    before: str,
    after: str,
    align: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Rebase:
    """Compare a queue on two bases of a repository. Raises what `Queue.apply` raises."""
    known: dict[str, Result] = {}

    def evaluate(base: str) -> Result:
        if base not in known:
            if progress is not None:
                progress(base)
            known[base] = queue.apply(repo, base=base, align=align)
        return known[base]

    old, new = evaluate(before), evaluate(after)
    home = open_repository(repo)
    search = _Search(home=home, before=before, after=after, old=old, new=new, evaluate=evaluate)
    steps_before = {step.name: step for step in old.steps}
    steps_after = {step.name: step for step in new.steps}
    left = {patch.name: patch for patch in old.patches if patch.kind is not EntryKind.ALIGN}
    right = {patch.name: patch for patch in new.patches if patch.kind is not EntryKind.ALIGN}
    moves = []
    for name in dict.fromkeys((*left, *right)):
        one, two = left.get(name), right.get(name)
        paths = _differing_paths(old.objects, new.objects, steps_before.get(name), steps_after.get(name))
        move = move_of(
            None if one is None else one.status, None if two is None else two.status, same_hunks=not paths
        )
        if two is not None and move in (Move.CONFLICT, Move.STILL_IN_CONFLICT):
            paths = tuple(dict.fromkeys(conflict.path for conflict in two.conflicts))
        shown = two if two is not None else one
        assert shown is not None
        moves.append(
            PatchMove(
                name=name,
                subject=shown.subject,
                before=None if one is None else one.status,
                after=None if two is None else two.status,
                move=move,
                paths=paths if move.worth_telling else (),
                since=search.since(name, two) if move in (Move.DROPPED, Move.CONFLICT) and two is not None else None,
            )
        )
    return Rebase(
        account=Rebased(
            series=queue.name,
            before=old.base,
            after=new.base,
            patches=tuple(moves),
            overrides=_override_moves(old, new),
            reasons=tuple(new.reasons()),
        ),
        before=old,
        after=new,
    )


def file_hunk_ids(objects: Objects, change: BlobChange) -> tuple[str, ...]:
    return tuple(hunk_ids(file_hunks(objects, change.old, change.new)))


def _differing_paths(one: Objects, two: Objects, before: Step | None, after: Step | None) -> tuple[str, ...]:
    """Paths where a patch has other hunks, or other modes, on the two bases."""
    if before is None or after is None:
        return ()
    left: Mapping[str, BlobChange] = {change.path: change for change in before.changes}
    right: Mapping[str, BlobChange] = {change.path: change for change in after.changes}
    found = []
    for path in sorted({*left, *right}):
        a, b = left.get(path), right.get(path)
        if a == b:
            continue
        if a is None or b is None or _modes(a) != _modes(b) or file_hunk_ids(one, a) != file_hunk_ids(two, b):
            found.append(path)
    return tuple(found)


def _modes(change: BlobChange) -> tuple[int | None, int | None]:
    return (
        None if change.old is None else change.old.mode,
        None if change.new is None else change.new.mode,
    )


def _override_moves(old: Result, new: Result) -> tuple[tuple[str, OverrideMove], ...]:
    drifted = {drift.file for drift in new.overrides.drift} - {drift.file for drift in old.overrides.drift}
    moves = [(file, OverrideMove.NEWLY_DRIFTED) for file in sorted(drifted)]
    used_before, used_after = set(old.overrides.used), set(new.overrides.used)
    moves += [(file, OverrideMove.NO_LONGER_NEEDED) for file in sorted(used_before - used_after - drifted)]
    moves += [(file, OverrideMove.NEWLY_NEEDED) for file in sorted(used_after - used_before - drifted)]
    return tuple(moves)


@attrs.define(kw_only=True, eq=False)
class _Search:
    """Finds what between two bases gives a patch the status it has on the later one."""

    home: pygit2.Repository
    before: str
    after: str
    old: Result
    new: Result
    evaluate: Evaluate
    _releases: list[str] | None = None

    def since(self, name: str, outcome: PatchOutcome) -> str | None:
        """The first release, or commit, on which the patch has the status it has on the new base.

        None where the repository has no points between the two bases.
        """
        points = [self.before, *self.releases(), self.after]
        low, high = self._bisect(points, name, outcome.status)
        commits = self._commits(points[low], points[high])
        if len(commits) > 1:
            inner = [points[low], *commits]
            _, found = self._bisect(inner, name, outcome.status)
            commit = resolve_commit(self.home, inner[found])
            return f"{str(commit.id)[:12]} {commit.message.splitlines()[0]}"
        return points[high].removeprefix("refs/tags/")

    def releases(self) -> list[str]:
        """Tags of the kernel line strictly between the two bases."""
        if self._releases is None:
            low, high = _sublevel(self.old), _sublevel(self.new)
            line = tuple(int(part) for part in self.new.base.version.split(".")[:2])
            tags = release_tags(self.home, (line[0], line[1]))
            self._releases = [name for number, name in tags.items() if low < number < high]
        return self._releases

    def _bisect(self, points: list[str], name: str, status: Status) -> tuple[int, int]:
        """Neighbouring points between which the status comes; the first lacks it, the last has it."""
        low, high = 0, len(points) - 1
        while high - low > 1:
            middle = (low + high) // 2
            patch = next((patch for patch in self.evaluate(points[middle]).patches if patch.name == name), None)
            if patch is not None and patch.status is status:
                high = middle
            else:
                low = middle
        return low, high

    def _commits(self, low: str, high: str) -> list[str]:
        """Commits after `low` up to `high`, oldest first; empty where one does not lead to the other."""
        start, stop = commit_at(self.home, low), commit_at(self.home, high)
        if start.id == stop.id or not self.home.descendant_of(stop.id, start.id):
            return []
        walker = self.home.walk(stop.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
        walker.hide(start.id)
        walker.simplify_first_parent()
        return [str(commit.id) for commit in walker]


def _sublevel(result: Result) -> int:
    return int(result.base.version.split(".")[2])
