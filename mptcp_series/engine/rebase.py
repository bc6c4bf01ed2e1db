# SPDX-License-Identifier: MIT
"""Moves a queue from one base to another and says what changed and why.

The queue is replayed on both bases in memory and compared patch by patch, by hunk bodies: a hunk that
only stands elsewhere has not changed. What the new base brings (a drop, a conflict, a change to be
restored) is followed to the release, and where the history is there to the commit, by bisecting in
memory. A bisection finds one place where it comes; that it never came and went before is not asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import pygit2

from ..errors import MptcpSeriesError
from ..values.hunk import hunk_ids
from ..values.rebased import Move, OverrideMove, PatchMove, Rebased, Since, move_of
from ..values.result import EntryKind, PatchOutcome, Status
from ..values.version import KernelVersion
from .alignment.basechanges import release_tags
from .exchange.rewrite import rewrite
from .queue import Queue
from .replay.change import BlobChange, file_hunks
from .result import Result
from .runs import Runs
from .store.objects import Objects
from .store.repository import Place, plain_directory, resolve_commit

__all__ = ["Move", "Rebase", "rebase"]

Holds = Callable[[Result], bool]
"""Whether what is looked for is so on a base."""


@attrs.frozen(kw_only=True, eq=False)
class Rebase:
    """Both results and the account of the difference."""

    account: Rebased
    before: Result
    after: Result

    def rewrite(self, directory: Path) -> tuple[Path, ...]:
        """Bring a directory of exported patches to the new base; the files that changed.

        A patch file that still leads to the same keeps its bytes; see `rewrite.rewrite`.
        Raises NeedsPerson while the new base needs one, BadInput for a directory that is not of this queue.
        """
        return rewrite(directory, self.before, self.after)


def rebase(
    queue: Queue,
    repo: Place | None,
    *,
    before: str,
    after: str,
    align: bool = True,
    fuzz: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Rebase:
    """Compare a queue on two bases: revisions of a repository, plain source directories, or one of each.

    repo: None where both are directories.
    progress: called with the name of every base that the queue is replayed on, those between the two included.

    Raises what `Queue.apply` raises for either base.
    """
    told = (lambda base: None) if progress is None else progress
    plain = any(plain_directory(base) is not None for base in (before, after))
    runs = Runs(queue, repo, fuzz=fuzz, directories=plain)
    told(before)
    old = runs.run(before, align=align)
    if runs.base_id(after) == runs.base_id(before):
        new = attrs.evolve(old, base=attrs.evolve(old.base, rev=after))
    else:
        told(after)
        new = runs.run(after, align=align)
    search = _Search.between(runs, old, new, align, told)
    return Rebase(
        account=Rebased(
            series=queue.name,
            before=old.base,
            after=new.base,
            patches=tuple(_moves(old, new, search)),
            overrides=_override_moves(old, new),
            reasons=tuple(new.reasons()),
            notes=tuple(_notes(old, search)),
        ),
        before=old,
        after=new,
    )


def _moves(old: Result, new: Result, search: _Search) -> Iterable[PatchMove]:
    left = {patch.name: patch for patch in old.patches if patch.kind is not EntryKind.ALIGN}
    right = {patch.name: patch for patch in new.patches if patch.kind is not EntryKind.ALIGN}
    for name in _interleaved(list(left), list(right)):
        one, two = left.get(name), right.get(name)
        shown = two if two is not None else one
        assert shown is not None
        paths = _differing_paths(new.objects, _written(old, name), _written(new, name))
        before, after = (None if outcome is None else outcome.status for outcome in (one, two))
        move = move_of(before, after, same_hunks=not paths)
        if move in (Move.CONFLICT, Move.STILL_IN_CONFLICT):
            paths = _conflict_paths(two)
        elif move not in (Move.REFRESHED, Move.RESOLVED):
            paths = ()
        yield PatchMove(
            name=name,
            series=shown.series,
            subject=shown.subject,
            before=before,
            after=after,
            move=move,
            paths=paths,
            since=None if (holds := _holds(name, move, one, two)) is None else search.since(holds),
        )


def _holds(name: str, move: Move, one: PatchOutcome | None, two: PatchOutcome | None) -> Holds | None:
    """Whether a base has of a patch what the new base has and the old one does not; None where there is no such."""
    if move in (Move.CONFLICT, Move.STILL_IN_CONFLICT):
        brought = set(_conflict_paths(two)) - set(_conflict_paths(one))
        return (lambda result: not brought.isdisjoint(_conflict_paths(_outcome(result, name)))) if brought else None
    if move is Move.RESOLVED:
        return lambda result: not _conflict_paths(_outcome(result, name))
    if move in (Move.ADDED, Move.GONE):
        return lambda result: (_outcome(result, name) is None) is (two is None)
    if move in (Move.DROPPED, Move.RETURNED):
        return lambda result: _is_upstream(_outcome(result, name)) is (move is Move.DROPPED)
    return None


def _is_upstream(outcome: PatchOutcome | None) -> bool:
    return outcome is not None and outcome.status is Status.UPSTREAM


def _outcome(result: Result, name: str) -> PatchOutcome | None:
    return next((patch for patch in result.patches if patch.name == name), None)


def _conflict_paths(outcome: PatchOutcome | None) -> tuple[str, ...]:
    return () if outcome is None else tuple(dict.fromkeys(conflict.path for conflict in outcome.conflicts))


def _interleaved(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """The names of both, those of the second in its order, each of the others after the one it follows."""
    follows: dict[str | None, list[str]] = {}
    there = set(right)
    last: str | None = None
    for name in left:
        if name in there:
            last = name
        else:
            follows.setdefault(last, []).append(name)
    return [
        *follows.get(None, []),
        *itertools.chain.from_iterable((name, *follows.get(name, [])) for name in right),
    ]


def _written(result: Result, name: str) -> Mapping[str, BlobChange]:
    """What an entry changed, by path; also in a result that a conflict cut short."""
    return {change.path: change for change in result.written.get(name, ())}


def _differing_paths(
    objects: Objects, before: Mapping[str, BlobChange], after: Mapping[str, BlobChange]
) -> tuple[str, ...]:
    """Paths where a patch has other hunks, or other modes, on the two bases."""
    found = []
    for path in sorted({*before, *after}):
        one, two = before.get(path), after.get(path)
        if one is None or two is None or not _same_change(objects, one, two):
            found.append(path)
    return tuple(found)


def _same_change(objects: Objects, one: BlobChange, two: BlobChange) -> bool:
    if one == two:
        return True
    if _modes(one) != _modes(two):
        return False
    left, right = (file_hunks(objects, change.old, change.new) for change in (one, two))
    if not left and not right:
        # Binary files, and links: there is nothing else to compare.
        return (one.old, one.new) == (two.old, two.new) or (one.old == one.new and two.old == two.new)
    return hunk_ids(left) == hunk_ids(right)


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


def _notes(old: Result, search: _Search) -> Iterable[str]:
    reasons = len(old.reasons())
    if reasons:
        what = "1 thing is" if reasons == 1 else f"{reasons} things are"
        yield f"{old.base.rev} itself needs a person: {what} to settle there; of these only what changed is told"
    if search.note is not None:
        yield search.note


def _version(result: Result) -> KernelVersion:
    return KernelVersion.parse(result.base.version)


@attrs.define(kw_only=True, eq=False)
class _Search:
    """Finds what between two bases makes the difference."""

    runs: Runs
    align: bool
    told: Callable[[str], None]
    points: list[str]
    """Bases from the older to the newer, both ends included."""
    backwards: bool
    """The queue moves from the newer to the older one."""
    note: str | None
    known: dict[str, Result | None]
    """Results by base; None for one that the queue cannot be tried on."""
    _commits: dict[tuple[str, str], list[str]] = attrs.field(init=False, factory=dict)

    @classmethod
    def between(cls, runs: Runs, old: Result, new: Result, align: bool, told: Callable[[str], None]) -> _Search:
        one, two = _version(old), _version(new)
        commits = [runs.base_id(result.base.rev) for result in (old, new)]
        plain = [result.base.rev for result in (old, new) if runs.directory(result.base.rev) is not None]
        same_line = (one.version, one.patchlevel) == (two.version, two.patchlevel)
        backwards = two < one or (one == two and not plain and runs.home.descendant_of(commits[0], commits[1]))
        ends = (new.base, old.base) if backwards else (old.base, new.base)
        note = None
        between: list[str] = []
        if plain:
            note = f"{plain[0]} is a directory, which has no history: what a change comes with is not told"
        elif not same_line:
            note = (
                f"{old.base.rev} is Linux {one} and {new.base.rev} is Linux {two}: two release lines, which have no "
                "releases between them; what a change comes with is told only where one leads to the other"
            )
        else:
            low, high = sorted((one.sublevel, two.sublevel))
            tags = release_tags(runs.home, (one.version, one.patchlevel))
            between = [name for number, name in tags.items() if low < number < high]
        if backwards and same_line and not plain:
            note = (
                f"{new.base.rev} is older than {old.base.rev}: what comes back, and what collides, does so because "
                "the older base lacks what is named"
            )
        return cls(
            runs=runs,
            align=align,
            told=told,
            points=[ends[0].rev, *between, ends[1].rev],
            backwards=backwards,
            note=note,
            known={old.base.rev: old, new.base.rev: new},
        )

    def since(self, holds: Holds) -> Since | None:
        """The first release, or commit, that makes the difference.

        None where the repository has nothing between the two bases.
        """
        # Towards the older base the difference is made by the first that does not have it any more.
        wanted: Holds = (lambda result: not holds(result)) if self.backwards else holds
        points = self.points
        low, high = self._bisect(points, wanted)
        commits = self._between(low, high)
        release = high.removeprefix("refs/tags/")
        if not commits:
            # Between two releases it must have come with the later one; between two bases anything may have been.
            return None if len(points) == 2 else Since(release=release, backwards=self.backwards)
        _, found = self._bisect([low, *commits[:-1], high], wanted)
        commit = resolve_commit(self.runs.home, found)
        subject = commit.message.strip("\n").split("\n", 1)[0]
        return Since(release=release, commit=str(commit.id), subject=subject, backwards=self.backwards)

    def _bisect(self, points: Sequence[str], holds: Holds) -> tuple[str, str]:
        """Neighbours between which it comes; the first lacks it, the last has it."""
        left = list(points)
        while len(left) > 2:
            at = len(left) // 2
            result = self._result(left[at])
            if result is None:
                del left[at]
            elif holds(result):
                del left[at + 1 :]
            else:
                del left[:at]
        return left[0], left[1]

    def _result(self, point: str) -> Result | None:
        if point not in self.known:
            self.told(point.removeprefix("refs/tags/"))
            try:
                self.known[point] = self.runs.dry_run(point, align=self.align)
            except MptcpSeriesError:
                self.known[point] = None
        return self.known[point]

    def _between(self, low: str, high: str) -> list[str]:
        """Commits after `low` up to `high`, oldest first; empty where one does not lead to the other."""
        if (low, high) not in self._commits:
            plain = any(self.runs.directory(point) is not None for point in (low, high))
            self._commits[low, high] = [] if plain else _first_parents(self.runs.home, low, high)
        return self._commits[low, high]


def _first_parents(repo: pygit2.Repository, low: str, high: str) -> list[str]:
    start, stop = resolve_commit(repo, low).id, resolve_commit(repo, high).id
    if start == stop or not repo.descendant_of(stop, start):
        return []
    walker = repo.walk(stop, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
    walker.hide(start)
    walker.simplify_first_parent()
    return [str(commit.id) for commit in walker]
