# SPDX-License-Identifier: MIT
"""What a run found out, as plain values: the words of tables, JSON and reports come from here.

Nothing here knows git. The engine fills these in, the command line and library users read them. What alignment did has
a module of its own (`alignment`).
The JSON shape is `docs/reference/json.md`; its keys are stable.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import attrs

__all__ = [
    "Account",
    "BaseInfo",
    "Conflict",
    "Drift",
    "EntryKind",
    "Fate",
    "HunkFate",
    "OverrideAccount",
    "PatchOutcome",
    "PathOutcome",
    "Status",
    "patch_status",
]

Json = Mapping[str, object]


class Status(enum.Enum):
    """Status of a patch, or of one of its paths, on a base. Declared weakest first."""

    UPSTREAM = "upstream"
    SKIPPED = "skipped"
    CLEAN = "clean"
    OFFSET = "offset"
    MERGED = "merged"
    OVERRIDDEN = "overridden"
    CONFLICT = "conflict"

    @property
    def strength(self) -> int:
        return _STRENGTH[self]

    @property
    def makes_commit(self) -> bool:
        return self not in (Status.UPSTREAM, Status.SKIPPED)


_STRENGTH = {status: rank for rank, status in enumerate(Status)}
# The order of the contract's `counts`, and of the columns of tables.
COUNT_ORDER = (
    Status.CLEAN,
    Status.OFFSET,
    Status.MERGED,
    Status.OVERRIDDEN,
    Status.UPSTREAM,
    Status.SKIPPED,
    Status.CONFLICT,
)


def patch_status(paths: Iterable[Status]) -> Status:
    """The strongest of a patch's paths; a patch of no paths has nothing left to do."""
    return max(paths, key=lambda status: status.strength, default=Status.UPSTREAM)


class EntryKind(enum.Enum):
    """Where an entry of the queue comes from."""

    PATCH = "patch"
    PREREQUISITE = "prerequisite"
    INCLUDE = "include"
    ALIGN = "align"
    RESTORE = "restore"


class Fate(enum.Enum):
    """What became of one hunk. There is no fifth fate: the four add up to the patch."""

    APPLIED = "applied"
    PRESENT = "present"
    DROPPED = "dropped"
    CONFLICT = "conflict"


@attrs.frozen(kw_only=True)
class HunkFate:
    """The fate of one hunk; `id` is None where no one had to look at the hunk's text (a clean path)."""

    path: str
    id: str | None
    fate: Fate


@attrs.frozen(kw_only=True)
class Account:
    """How many hunks of a patch met each fate."""

    applied: int = 0
    present: int = 0
    dropped: int = 0
    conflict: int = 0

    @property
    def total(self) -> int:
        return self.applied + self.present + self.dropped + self.conflict

    def __add__(self, other: Account) -> Account:
        return Account(
            applied=self.applied + other.applied,
            present=self.present + other.present,
            dropped=self.dropped + other.dropped,
            conflict=self.conflict + other.conflict,
        )

    @classmethod
    def of(cls, fates: Iterable[Fate]) -> Account:
        counted = Counter(fate.value for fate in fates)
        return cls(**counted)

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True, slots=False)
class PathOutcome:
    """One path of a patch: where it stands now, its status, and the account of its hunks.

    The hunks of a path that nothing hindered are counted when someone asks: to diff every file of a
    queue takes as long as replaying it.
    """

    path: str
    status: Status
    _account: Account | Callable[[], Account] = attrs.field(default=Account(), alias="hunks", eq=False, repr=False)
    source_path: str | None = None
    """The path the patch names, where the base or an earlier patch renamed the file."""
    fuzz: int = 0
    """Context lines that a hunk left out at either end, at most; above 0 only where fuzz was asked for."""

    @cached_property
    def hunks(self) -> Account:
        """The fates of the path's hunks; the counts add up to the hunks of the patch."""
        return self._account if isinstance(self._account, Account) else self._account()

    def to_json(self) -> Json:
        json: dict[str, object] = {"path": self.path, "status": self.status.value}
        if self.source_path is not None:
            json["source_path"] = self.source_path
        if self.fuzz:
            json["fuzz"] = self.fuzz
        return json


@attrs.frozen(kw_only=True)
class Conflict:
    """A place a person must settle. `text` shows it with diff3 markers, or says it in words."""

    path: str
    hunk: str | None
    text: str

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class PatchOutcome:
    """One entry of the queue on one base."""

    name: str
    kind: EntryKind
    commit: str | None
    """The upstream commit (40 hex digits), None for a patch that has none."""
    subject: str
    status: Status
    paths: tuple[PathOutcome, ...] = ()
    override: str | None = None
    """File of the override that was used."""
    result_commit: str | None = None
    conflicts: tuple[Conflict, ...] = ()
    series: str = ""
    """The series it is an entry of; what aligns and restores belongs to the one that owns the paths."""

    @property
    def hunks(self) -> Account:
        return sum((path.hunks for path in self.paths), Account())

    @property
    def fuzz(self) -> int:
        """The most fuzz that one of its hunks took."""
        return max((path.fuzz for path in self.paths), default=0)

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "series": self.series,
            "kind": self.kind.value,
            "commit": self.commit,
            "subject": self.subject,
            "status": self.status.value,
            "paths": [path.to_json() for path in self.paths],
            "hunks": self.hunks.to_json(),
            "fuzz": self.fuzz,
            "override": self.override,
            "result_commit": self.result_commit,
            "conflicts": [conflict.to_json() for conflict in self.conflicts],
        }


@attrs.frozen(kw_only=True)
class BaseInfo:
    """What is being patched."""

    rev: str
    commit: str | None
    version: str

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Drift:
    """An override that no longer fits what it was written for: the file, the field, and why."""

    file: str
    field: str
    why: str
    detail: str | None = None
    """What it was written for beside what is there now, in lines of two columns."""

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.why}"

    def to_json(self) -> Json:
        json = attrs.asdict(self)
        if self.detail is None:
            del json["detail"]
        return json


@attrs.frozen(kw_only=True)
class OverrideAccount:
    """What became of every override on this base; none is silently gone."""

    used: tuple[str, ...] = ()
    not_needed: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()

    def to_json(self) -> Json:
        return {
            "used": list(self.used),
            "not_needed": list(self.not_needed),
            "drift": [drift.to_json() for drift in self.drift],
        }
