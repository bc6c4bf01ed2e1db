# SPDX-License-Identifier: MIT
"""The result of one run: its account as values, and the ways to make something of it.

Nothing is written until `write_branch` or `export` is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from ..errors import NeedsPerson
from ..values.result import (
    COUNT_ORDER,
    Account,
    Alignment,
    BaseInfo,
    EntryKind,
    OverrideAccount,
    PatchOutcome,
    Status,
)
from .alignment.stable import LaterTargets
from .exchange.export import Format, export
from .replay.change import BlobChange
from .replay.replay import Replayed, Step, Stuck
from .store.objects import Objects, hexed
from .store.publish import write_branch

__all__ = ["Result"]


@attrs.frozen(kw_only=True, eq=False)
class Result:
    """What became of a queue on one base."""

    series: str
    base: BaseInfo
    overrides: OverrideAccount
    alignment: Alignment = attrs.field(factory=Alignment)
    branch: str | None = None
    """The branch the result was written to, once it was."""
    _objects: Objects = attrs.field(alias="objects", repr=False)
    _replayed: Replayed = attrs.field(alias="replayed", repr=False)
    _later: Callable[[], LaterTargets] = attrs.field(default=LaterTargets, alias="later", repr=False)

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
        """Id of the last commit of the result (40 hex digits); None while a person is needed."""
        return hexed(self._replayed.commit) if self.complete else None

    @property
    def tree(self) -> str | None:
        """Id of the result's tree; None while a person is needed."""
        return hexed(self._replayed.tree) if self.complete else None

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

    def later_targets(self) -> LaterTargets:
        """Which later release of the target's line has each restored or lost change, and the one that has most.

        Computed when asked for: every later release is looked at.
        """
        return self._later()

    def write_branch(self, name: str, *, partial: bool = False) -> Result:
        """Write the result's objects to the repository and move the branch to it, once.

        An incomplete result is refused with NeedsPerson; with `partial` the branch holds the unbroken
        prefix of the queue, up to the first entry that needs a person. Gives the result with its branch.
        """
        if not partial:
            self.require()
        replayed = self._replayed
        changed = [change.new for step in replayed.steps for change in step.changes if change.new is not None]
        write_branch(
            self._objects,
            name,
            replayed.commit,
            message=f"mptcp-series: {self.series} on {self.base.rev}",
            files=changed if replayed.complete else None,
        )
        return attrs.evolve(self, branch=name)

    def export(self, path: str | Path, *, format: str = "quilt") -> tuple[Path, ...]:
        """Write the queue as it stands on this base; the files written, sorted.

        format: "quilt" (a directory with series and patches) or "mbox" (one file for `git am`).
        Raises NeedsPerson where a person is needed, BadInput for an unknown format or a directory
        that holds something else.
        """
        self.require()
        return export(self._objects, self._replayed, self.series, Path(path), Format.parse(format))

    def to_json(self, command: str = "apply") -> dict[str, object]:
        """The document of `--json` (docs/reference/json.md)."""
        return {
            "schema": 1,
            "command": command,
            "series": self.series,
            "base": self.base.to_json(),
            "result": {"commit": self.commit, "tree": self.tree, "branch": self.branch},
            "counts": dict(self.counts),
            "alignment": self.alignment.to_json(),
            "overrides": self.overrides.to_json(),
            "patches": [patch.to_json() for patch in self.patches],
        }
