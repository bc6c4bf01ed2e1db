# SPDX-License-Identifier: MIT
"""Parity: the owned paths of a result are those of the target release, but for what somebody decided.

Held hunk by hunk. A hunk is explained when every line of it is; one line that nothing explains leaves the hunk
unexplained, with what is known of the line. Every way a differ has to tell a difference is a true account of it, so
one that is explained in full is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pygit2

from ...errors import EnvironmentFault, NoTarget, UnknownRevision
from ...values.alignment import Lost
from ...values.hunk import hunk_ids, split_lines
from ...values.paths import OwnedPaths
from ...values.recipe import Recipe
from ...values.result import EntryKind
from ...values.verification import Explained, Parity, Unexplained
from ..alignment.delta import hunk_lines
from ..alignment.once import once
from ..queue import Queue
from ..replay.change import BlobChange, entry_text, file_hunks, tree_changes_at
from ..replay.owned import OwnedKeys, owned_changes
from ..result import Result
from ..store.objects import Entry, Objects, Oid, hexed
from ..store.repository import commit_tree, resolve_commit
from ..text.merge import Edit, is_binary
from .annotate import Annotated, Annotator, Written
from .complete import complete_queue
from .grounds import Account, Acknowledged, Cause, Reasons, Verdict
from .layers import Part
from .lines import Differ, grouped, hunk_text, line_edits, slides

__all__ = ["parity", "target_commit"]


def target_commit(queue: Queue) -> pygit2.Commit:
    """The commit a queue's target names in its source. Raises NoTarget, which says how to get it."""
    recipe = queue.recipe
    assert recipe is not None
    if queue.source is None:
        raise NoTarget(f"parity is held against {recipe.target_or_end} of the source: name the source with --source")
    try:
        return resolve_commit(queue.source, recipe.target_or_end)
    except (UnknownRevision, EnvironmentFault) as error:
        raise NoTarget(f"parity is held against the target {recipe.target_or_end} of {recipe.file}: {error}") from error


def parity(queue: Queue, result: Result, annotator: Annotator, tree: Oid) -> tuple[Parity, ...]:
    """Hold the owned paths of a tree against the target of each series that has a recipe, the lowest series first.

    annotator: of the result, and of what the tree has beyond it. A path that several series of a stack own is held
    against the target of the uppermost.
    """
    found = []
    stack = queue.stack
    for number, one in enumerate(stack):
        recipe = one.recipe
        if recipe is None or not recipe.owned.patterns:
            continue
        above = [other.owned for other in stack[number + 1 :]]
        found.append(_Parity(queue, one, recipe, result, annotator, tree, above).parity())
    return tuple(found)


class _Parity:
    """Of one series."""

    def __init__(
        self,
        queue: Queue,
        one: Queue,
        recipe: Recipe,
        result: Result,
        annotator: Annotator,
        tree: Oid,
        above: Sequence[OwnedPaths],
    ) -> None:
        self.queue, self.one, self.recipe, self.result, self.tree = queue, one, recipe, result, tree
        self.annotator = annotator
        self.above = above
        self.objects: Objects = result.objects
        self.reasons = _reasons(queue, result)

    def parity(self) -> Parity:
        target = target_commit(self.one)
        # Objects of the source can be read by the run: it was made with it.
        keys = OwnedKeys.of(self.objects, self.recipe.owned)
        there, wanted = keys.files(self.tree), keys.files(commit_tree(target))
        files = sorted(path for path in {*there, *wanted} if self._mine(path))
        changes = [
            change
            for change in owned_changes(self.objects, self.recipe.owned, commit_tree(target), self.tree)
            if self._mine(change.path)
        ]
        explained: list[Explained] = []
        unexplained: list[Unexplained] = []
        if changes:
            owned = self.recipe.owned
            complete = once(
                self.objects,
                ("complete queue", self.one.name, owned),
                lambda: complete_queue(self.queue, self.result, owned),
            )
            for change in changes:
                for entry in self._path(change, complete.file(change.path)):
                    if isinstance(entry, Explained):
                        explained.append(entry)
                    else:
                        unexplained.append(entry)
        return Parity(
            series=self.one.name,
            target=self.recipe.target_or_end,
            commit=str(target.id),
            files=len(files),
            equal=len(files) - len(changes),
            explained=tuple(explained),
            unexplained=tuple(unexplained),
        )

    def _mine(self, path: str) -> bool:
        return not any(owned.contains(path) for owned in self.above)

    def _path(self, change: BlobChange, complete: Annotated) -> Iterator[Explained | Unexplained]:
        """What differs in one file, from the target to the result."""
        annotated = self.annotator.file(change.path)
        old, new = entry_text(self.objects, change.old), entry_text(self.objects, change.new)
        account = Account(
            target=split_lines(old),
            result=annotated,
            complete=complete,
            reasons=self.reasons,
            acknowledged=self._acknowledged(change.path),
        )
        with_lines = all(entry is None or entry.is_text for entry in (change.old, change.new))
        if not with_lines or is_binary(old) or is_binary(new):
            yield from self._whole(change, account)
            return
        if _mode(change.old) != _mode(change.new) and (old == new or None not in (change.old, change.new)):
            yield from self._whole(change, account)
        if old != new:
            yield from _hunks(change.path, account, old, new)

    def _whole(self, change: BlobChange, account: Account) -> Iterator[Explained | Unexplained]:
        """A file as a whole: the last to write it in the result, or the one who was left out."""
        cause = _cause_of_file(account, change.new)
        if cause is None:
            yield Unexplained(path=change.path, why=_file_words(change), diff=_git_words(change))
        else:
            yield _explained(change.path, cause, None, _git_words(change))

    def _acknowledged(self, path: str) -> list[Acknowledged]:
        """The losses people accept in a file, with their lines."""
        return [
            found
            for lost in self.result.alignment.acknowledged
            if lost.path in (path, None) and (found := self._lines_of(lost, path)) is not None
        ]

    def _lines_of(self, lost: Lost, path: str) -> Acknowledged | None:
        change = self._commit_change(lost.commit, path) if lost.commit is not None else self._base_change(path)
        if change is None:
            return None
        hunks = file_hunks(self.objects, change.old, change.new)
        if lost.hunk is not None:
            hunks = [hunk for identifier, hunk in zip(hunk_ids(hunks), hunks, strict=True) if identifier == lost.hunk]
        removed, added = hunk_lines(hunks)
        return Acknowledged(lost=lost, removed=removed, added=added)

    def _commit_change(self, commit: str, path: str) -> BlobChange | None:
        """What a commit of the base or the source did to a file."""
        sources = [one.source for one in self.queue.stack if one.source is not None]
        for repo in (self.objects.home, *sources):
            found = repo.get(commit)
            if isinstance(found, pygit2.Commit) and found.parents:
                changes = tree_changes_at(self.objects, commit_tree(found.parents[0]), commit_tree(found), (path,))
                return next(iter(changes), None)
        return None

    def _base_change(self, path: str) -> BlobChange | None:
        """What the base did to a file since the root: what alignment took back."""
        aligned = next((one for one in self.annotator.file(path).history if one.origin.kind is EntryKind.ALIGN), None)
        return None if aligned is None else BlobChange(path=path, old_path=path, old=aligned.new, new=aligned.old)


def _reasons(queue: Queue, result: Result) -> Reasons:
    prerequisites = {
        entry.commit: entry.reason
        for one in queue.stack
        if one.recipe is not None
        for entry in one.recipe.prerequisites
    }
    return Reasons(
        overrides={
            override.file: override.reason
            for one in queue.stack
            for override in one.overrides
            if override.file is not None
        },
        prerequisites={
            outcome.name: prerequisites[outcome.commit] for outcome in result.patches if outcome.commit in prerequisites
        },
        restored={entry.name: f"{entry.how.value}: {entry.subject}" for entry in result.alignment.restored},
    )


def _hunks(path: str, account: Account, old: bytes, new: bytes) -> Iterator[Explained | Unexplained]:
    """The hunks of a file, told by the differ that leaves the least unexplained."""
    best: list[tuple[Edit, Verdict]] | None = None
    for differ in Differ:
        found = _verdicts(account, old, new, differ)
        if best is None or _open(found) < _open(best):
            best = found
        if not _open(best):
            break
    assert best is not None
    verdicts = dict(best)
    lines = account.target, split_lines(new)
    for group in grouped([edit for edit, _ in best]):
        run: list[Edit] = []
        for edit in [*group, None]:
            if run and (edit is None or verdicts[edit] != verdicts[run[0]]):
                yield from _hunk(path, verdicts[run[0]], run[0].old_lo + 1, hunk_text(*lines, run))
                run = []
            if edit is not None:
                run.append(edit)


def _open(found: Sequence[tuple[Edit, Verdict]]) -> int:
    return sum(edit.old_hi - edit.old_lo + edit.new_hi - edit.new_lo for edit, verdict in found if verdict.open)


def _verdicts(account: Account, old: bytes, new: bytes, differ: Differ) -> list[tuple[Edit, Verdict]]:
    """The edits one differ finds, each with its verdict."""
    lines = account.target, split_lines(new)
    edits = line_edits(old, new, differ)
    found = _at_best(account, edits, *lines)
    if _open(found):
        # What was left out and written anew, by the same people, is no fixed point between two edits.
        wide = _at_best(account, account.widened(edits), *lines)
        around = {edit: (outer, verdict) for edit in edits for outer, verdict in wide if _inside(edit, outer)}
        found = [
            (edit, around[edit][1] if verdict.open and edit in around and not around[edit][1].open else verdict)
            for edit, verdict in found
        ]
    return found


def _inside(edit: Edit, outer: Edit) -> bool:
    return outer.old_lo <= edit.old_lo and edit.old_hi <= outer.old_hi and outer.new_lo <= edit.new_lo <= outer.new_hi


def _at_best(
    account: Account, edits: Sequence[Edit], old: Sequence[bytes], new: Sequence[bytes]
) -> list[tuple[Edit, Verdict]]:
    """Edits with their verdicts, each told at a place where it is explained, if there is one."""
    found = []
    for at, edit in enumerate(edits):
        verdict = account.verdict(edit)
        if verdict.open:
            low = edits[at - 1].old_hi if at else 0
            high = edits[at + 1].old_lo if at + 1 < len(edits) else len(old)
            for other in slides(edit, old, new, low, high):
                moved = account.verdict(other)
                if not moved.open:
                    edit, verdict = other, moved
                    break
        found.append((edit, verdict))
    return found


def _hunk(path: str, verdict: Verdict, line: int, diff: str) -> Iterator[Explained | Unexplained]:
    if verdict.open:
        yield Unexplained(path=path, why="; ".join(verdict.open), line=line, diff=diff)
        return
    for cause in verdict.causes:
        yield _explained(path, cause, line, diff)


def _explained(path: str, cause: Cause, line: int | None, diff: str) -> Explained:
    return Explained(
        path=path,
        ground=cause.ground,
        name=cause.name,
        override=cause.override,
        reason=cause.reason,
        line=line,
        diff=diff,
    )


def _cause_of_file(account: Account, there: Entry | None) -> Cause | None:
    """Who made a file what it is in the result, or who was left out so that it is not what the target has."""
    last = account.result.history[-1] if account.result.history else None
    found = None if last is None else account.of_origin(last.origin)
    if found is not None:
        return found
    missing: Written | None = account.complete.history[-1] if account.complete.history else None
    if missing is not None and missing.origin.part is Part.LEFT_OUT and missing.old == there:
        return account.of_origin(missing.origin)
    return None


def _mode(entry: Entry | None) -> int | None:
    return None if entry is None else entry.mode


def _file_words(change: BlobChange) -> str:
    """Why a file as a whole differs, in words."""
    if change.old is None or change.new is None:
        return f"the file is {'not there' if change.new is None else 'there'}, and the other way round in the target"
    if change.old.oid == change.new.oid:
        return "the file has another mode than in the target"
    return "the file has another content than in the target, and no lines to compare"


def _git_words(change: BlobChange) -> str:
    """The header lines git has for it."""
    lines = []
    if change.old is None or change.new is None:
        word, entry = ("new", change.new) if change.old is None else ("deleted", change.old)
        lines += [] if entry is None else [f"{word} file mode {entry.mode:o}"]
    elif change.old.mode != change.new.mode:
        lines += [f"old mode {change.old.mode:o}", f"new mode {change.new.mode:o}"]
    ids = ["0" * 40 if entry is None else hexed(entry.oid) for entry in (change.old, change.new)]
    return "\n".join([*lines, f"index {ids[0]}..{ids[1]}"]) + "\n"
