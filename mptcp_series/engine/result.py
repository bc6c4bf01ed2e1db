# SPDX-License-Identifier: MIT
"""The result of one run: its account as values, and the ways to make something of it.

Nothing is written until `write_branch` or `export` is called.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ..errors import BadInput, NeedsPerson
from ..values.alignment import Alignment
from ..values.result import COUNT_ORDER, Account, BaseInfo, EntryKind, OverrideAccount, PatchOutcome, Status
from .alignment.stable import LaterTargets
from .replay.change import BlobChange
from .replay.commits import Step
from .replay.replay import Replayed, Stuck
from .store.objects import Entry, Objects, hexed
from .store.publish import write_branch

if TYPE_CHECKING:
    from .directory.target import Target
    from .exchange.export import Export, Format

__all__ = ["Result"]

_OWN_ADDRESS = "mptcp-series@localhost"
_LOOKED_AT = 100
"""Commits of a base that are looked at: what a team puts on top of a queue before it forgets that it is there."""


@attrs.frozen(kw_only=True, eq=False)
class Result:
    """What became of a queue on one base."""

    series: str
    base: BaseInfo
    stack: tuple[str, ...] = attrs.field(default=attrs.Factory(lambda self: (self.series,), takes_self=True))
    """The series that were replayed, the lowest first; the last is the one that was asked for."""
    overrides: OverrideAccount
    alignment: Alignment = attrs.field(factory=Alignment)
    branch: str | None = None
    """The branch the result was written to, once it was."""
    replaced: str | None = None
    """The commit the branch was at before, where it was at another one."""
    patched: tuple[str, ...] | None = None
    """Of a plain directory: the files that were written or taken away, once they were."""
    _objects: Objects = attrs.field(alias="objects", repr=False)
    _replayed: Replayed = attrs.field(alias="replayed", repr=False)
    _later: Callable[[], LaterTargets] = attrs.field(default=LaterTargets, alias="later", repr=False)
    _target: Target | None = attrs.field(default=None, alias="target", repr=False)

    @property
    def patches(self) -> tuple[PatchOutcome, ...]:
        """One outcome for every entry of the queue, in its order."""
        return self._replayed.outcomes

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commits of the result, in order: name, message, and the change of every path."""
        return self._replayed.steps

    @property
    def stuck(self) -> Stuck | None:
        """The first entry in conflict and what it met; None where nothing is in conflict."""
        return self._replayed.stuck

    @property
    def written(self) -> Mapping[str, tuple[BlobChange, ...]]:
        """What each entry changed on the way, by name: also those after a conflict, which have no commit."""
        return self._replayed.written

    @property
    def kept(self) -> Mapping[str, Mapping[str, Entry | None]]:
        """Files as an entry's kept hunks left them, by name and path, where its override's diff then changes them."""
        return self._replayed.kept

    @property
    def objects(self) -> Objects:
        """Where the run's objects are, until they are published."""
        return self._objects

    @property
    def counts(self) -> Mapping[str, int]:
        """Entries by status, align entries not counted."""
        found = Counter(patch.status for patch in self.patches if patch.kind is not EntryKind.ALIGN)
        return {status.value: found[status] for status in COUNT_ORDER}

    @property
    def hunks(self) -> Account:
        """The account of every hunk of every patch; what alignment takes out is accounted for in `alignment`."""
        return sum((patch.hunks for patch in self.patches if patch.kind is not EntryKind.ALIGN), Account())

    @property
    def complete(self) -> bool:
        """Whether no person is needed: no conflict, no drift, no lost fix."""
        return not self.reasons()

    @property
    def commit(self) -> str | None:
        """Id of the last commit of the result (40 hex digits); None while a person is needed, or without git."""
        return hexed(self._replayed.commit) if self.complete and self._target is None else None

    @property
    def brought(self) -> int:
        """Patches that change something and stand before the first that needs a person; align entries not counted."""
        return sum(patch.result_commit is not None and patch.kind is not EntryKind.ALIGN for patch in self.patches)

    @property
    def directory(self) -> Path | None:
        """The plain directory that is the base; None for a git repository."""
        return None if self._target is None else self._target.snapshot.place

    @property
    def tree(self) -> str | None:
        """Id of the result's tree; None while a person is needed, or without git."""
        return hexed(self._replayed.tree) if self.complete and self._target is None else None

    @property
    def predicted_tree(self) -> str:
        """Id of the tree at the queue's end, conflicts taken as the patches have them: in the run's objects."""
        return hexed(self._replayed.predicted_tree)

    def reasons(self) -> list[str]:
        """One line for every conflict, drift and lost fix, in the order of the queue."""
        found = []
        for patch in self.patches:
            if patch.status is not Status.CONFLICT:
                continue
            places = Counter(conflict.path for conflict in patch.conflicts)
            found += [
                f"conflict: {patch.name}: {path}" + (f" ({count} places)" if count > 1 else "")
                for path, count in places.items()
            ]
        found += [f"drift: {drift}" for drift in self.overrides.drift]
        found += [f"lost fix: {lost}" for lost in self.alignment.lost]
        found += [
            f"half retracted: {half.commit[:12]} {half.subject}: its part in {half.path} stays, and "
            + (f"{half.covered_by} did not find it there" if half.covered_by else "nothing covers it")
            for half in self.alignment.half_retracted
            if not half.whole
        ]
        return list(dict.fromkeys(found))

    def require(self) -> Result:
        """Itself when complete. Raises NeedsPerson with every conflict, drift and lost fix otherwise."""
        reasons = self.reasons()
        if reasons:
            raise NeedsPerson(reasons)
        return self

    @property
    def on_own_result(self) -> bool:
        """Whether the base has a commit that was made here of a patch of this queue: it has the queue already.

        Looked at is the base itself, and commits before it where a person is needed: that may be why.
        """
        if self.base.commit is None:
            return False
        home = self._objects.home
        history = home.walk(home[self.base.commit].id)
        history.simplify_first_parent()
        subjects = {patch.subject for patch in self.patches}
        return any(
            commit.committer.email == _OWN_ADDRESS and commit.message.partition("\n")[0] in subjects
            for commit in itertools.islice(history, 1 if self.complete else _LOOKED_AT)
        )

    def later_targets(self) -> LaterTargets:
        """Which later release of the target's line has each restored or lost change, and the one that has most.

        Computed when asked for: every later release is looked at.
        """
        return self._later()

    def write_branch(self, name: str, *, partial: bool = False) -> Result:
        """Write the result's objects to the repository and move the branch to it, once.

        An incomplete result is refused with NeedsPerson; with `partial` the branch holds the unbroken
        prefix of the queue, up to the first entry that needs a person. Gives the result with its branch.

        Raises BadInput for the branch that is the base: a second run would find the queue on top of itself.
        """
        if self._target is not None:
            raise BadInput(f"{self.directory} is a plain directory without branches; write_directory() patches it")
        if _reference(name) == self._base_reference():
            raise BadInput(f"branch {name} is the base, and would be replaced by the result; name another one")
        if not partial:
            self.require()
        replayed = self._replayed
        changed = [change.new for step in replayed.steps for change in step.changes if change.new is not None]
        replaced = write_branch(
            self._objects,
            name,
            replayed.commit,
            message=f"mptcp-series: {self.series} on {self.base.rev}",
            files=changed if replayed.complete else None,
        )
        return attrs.evolve(self, branch=name, replaced=replaced)

    def _base_reference(self) -> str:
        """The branch the base was named by, with what HEAD stands for looked up."""
        if self.base.rev in ("HEAD", "@"):
            head = self._objects.home.references.get("HEAD")
            if head is not None and isinstance(head.target, str):
                return head.target
        return _reference(self.base.rev)

    def write_directory(self, *, partial: bool = False) -> Result:
        """Patch the plain directory that is the base: every file of the result is written, or none.

        A run that is killed leaves a journal, by which the next one resumes or undoes it (`recover_directory`).
        An incomplete result is refused with NeedsPerson; with `partial` the directory gets the patches before the
        first that needs a person. Gives the result with the paths that were written.

        Raises BadInput where the base is a git repository, or where files changed since they were read;
        ReadOnlyDirectory and UnsafePath before anything is written.
        """
        if self._target is None:
            raise BadInput("the base is in a git repository; write_branch() writes the result")
        if not partial:
            self.require()
        replayed = self._replayed
        changes = [(change.path, change.old, change.new) for step in replayed.steps for change in step.changes]
        written = self._target.write(
            self._objects,
            changes,
            series=self.series,
            patches=self.brought,
            complete=replayed.complete,
        )
        return attrs.evolve(self, patched=written)

    def export(self, path: str | Path, *, format: str = "quilt", number: int | None = None) -> tuple[Path, ...]:
        """Write the queue as it stands on this base; the files written, sorted.

        format: "quilt" (a directory with series and patches), "mbox" (one file for `git am`), "git-bundle" (one
        file for `git fetch`), "yocto", "buildroot" or "openwrt" (files of ours among others in a directory).
        number: of OpenWrt patches, where the queue stands among the others of the directory.
        Raises NeedsPerson where a person is needed, BadInput for an unknown format, a directory that holds
        something else, or a patch the format cannot carry.
        """
        made, to = self._export(format, number)
        return made.write(Path(path), to)

    def export_warnings(self, *, format: str = "quilt") -> tuple[str, ...]:
        """What the tools that take an export do otherwise than its patches say, one sentence a patch; none is usual.

        What they would lose without a word is no warning: `export` refuses it.
        Raises NeedsPerson where a person is needed, BadInput for an unknown format.
        """
        made, to = self._export(format)
        return made.warnings(to)

    def _export(self, format: str, number: int | None = None) -> tuple[Export, Format]:
        self.require()
        # Formats are many, and most runs write none.
        from .exchange.export import NUMBER, Export, Format

        made = Export(
            objects=self._objects,
            replayed=self._replayed,
            series=self.series,
            base=self.base,
            number=NUMBER if number is None else number,
        )
        return made, Format.parse(format)

    def to_json(self, command: str = "apply") -> dict[str, object]:
        """The document of `--json` (docs/reference/json.md)."""
        return {
            "schema": 1,
            "command": command,
            "series": self.series,
            "stack": list(self.stack),
            "base": self.base.to_json(),
            "result": {"commit": self.commit, "tree": self.tree, "branch": self.branch} | self._directory_json(),
            "counts": dict(self.counts),
            "alignment": self.alignment.to_json(),
            "overrides": self.overrides.to_json(),
            "patches": [self._patch_json(patch) for patch in self.patches],
        }

    def _directory_json(self) -> dict[str, object]:
        if self._target is None:
            return {}
        return {
            "directory": None if self.patched is None else str(self.directory),
            "files": list(self.patched or ()),
        }

    def _patch_json(self, patch: PatchOutcome) -> Mapping[str, object]:
        # The commits of a directory's run are in no repository.
        json = patch.to_json()
        return json if self._target is None else {**json, "result_commit": None}


def _reference(name: str) -> str:
    """The full name of a branch, which may be said in three ways."""
    return f"refs/heads/{name.removeprefix('refs/').removeprefix('heads/')}"
