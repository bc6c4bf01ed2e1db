# SPDX-License-Identifier: MIT
"""What a check of a result found out, as plain values: what differs from the expected result, and from the target.

Nothing here knows git. The engine fills these in; the command line, certificates and library users read them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

import attrs

from ..errors import NeedsPerson
from .certificate import Certificate
from .result import BaseInfo, EntryKind

__all__ = [
    "Author",
    "Difference",
    "DifferenceKind",
    "Explained",
    "Ground",
    "Ignored",
    "Parity",
    "Thing",
    "Unexplained",
    "Verification",
    "Verified",
]

Json = Mapping[str, object]


class DifferenceKind(enum.Enum):
    """How a tree differs from the expected one at one place."""

    MISSING = "missing"
    """What an entry of the queue did is not there: the place is as it was before."""
    EXTRA = "extra"
    """Something was done where no entry of the queue does anything."""
    ALTERED = "altered"
    """An entry's lines are there in part, or are others."""


class Thing(enum.Enum):
    """What of a file differs."""

    HUNK = "hunk"
    FILE = "file"
    """The file as a whole: it is there and should not be, or the other way round."""
    MODE = "mode"
    CONTENT = "content"
    """What has no lines to compare: binary content, a symbolic link, a submodule, a content that is not at hand."""


@attrs.frozen(kw_only=True)
class Author:
    """An entry of the queue that brought what differs: wrote lines, or took them away."""

    name: str
    kind: EntryKind
    override: str | None = None
    """File of the override in force for it."""
    by_override: bool = False
    """Whether it was the diff of the override that brought it, and not a hunk of the patch."""
    hunks: tuple[str, ...] = ()
    """Ids of its hunks, in this file, that brought it."""

    def __str__(self) -> str:
        said = [] if self.kind is EntryKind.PATCH else [self.kind.value]
        said += [f"hunk {identifier}" for identifier in self.hunks]
        if self.override is not None:
            said.append(f"{'the diff of ' if self.by_override else ''}override {self.override}")
        return f"{self.name} ({', '.join(said)})" if said else self.name

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "kind": self.kind.value,
            "override": self.override,
            "by_override": self.by_override,
            "hunks": list(self.hunks),
        }


@attrs.frozen(kw_only=True)
class Difference:
    """One place where a tree is not the expected one."""

    path: str
    kind: DifferenceKind
    thing: Thing
    line: int | None = None
    """1-based line of the expected file; None for what has no line."""
    authors: tuple[Author, ...] = ()
    """Whose it is, all of them; none where it is the base's, or nobody's."""
    diff: str = ""
    """From the expected file to the one there is; of a hunk. Bytes that are no UTF-8 as surrogate escapes."""
    detail: str = ""
    """In words, what a diff cannot show."""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.kind.value} {self.thing.value}: {place}: {self.whose}{detail}"

    @property
    def whose(self) -> str:
        """Whom it belongs to, in words."""
        if self.authors:
            return f"of {' and '.join(map(str, self.authors))}"
        if self.kind is DifferenceKind.EXTRA and self.thing is Thing.FILE:
            return "neither the base nor the queue has it"
        return "of the base"

    def to_json(self) -> Json:
        return {
            "path": self.path,
            "kind": self.kind.value,
            "thing": self.thing.value,
            "line": self.line,
            "patches": [author.to_json() for author in self.authors],
            "diff": self.diff,
            "detail": self.detail,
        }


class Ground(enum.Enum):
    """What explains that owned paths are not those of the target."""

    OVERRIDE = "override"
    EXCLUSION = "exclusion"
    RESTORE = "restore"
    """A change of the base that was put back: a vendor's edit, a later fix."""
    ACKNOWLEDGEMENT = "acknowledgement"
    PREREQUISITE = "prerequisite"


@attrs.frozen(kw_only=True)
class Explained:
    """A hunk by which an owned path differs from the target, and one thing that explains it or part of it."""

    path: str
    ground: Ground
    name: str
    """The patch whose override it is, the entry that restores, the commit that is excluded or acknowledged."""
    override: str | None = None
    reason: str = ""
    line: int | None = None
    """1-based line of the target's file."""
    diff: str = ""
    """From the target to the result."""

    def to_json(self) -> Json:
        return {
            "path": self.path,
            "override": self.override,
            "ground": self.ground.value,
            "name": self.name,
            "reason": self.reason,
            "line": self.line,
            "diff": self.diff,
        }


@attrs.frozen(kw_only=True)
class Unexplained:
    """A hunk by which an owned path differs from the target, and nothing says why."""

    path: str
    why: str
    """What is known of the lines."""
    line: int | None = None
    diff: str = ""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"unexplained: {place}: {self.why}"

    def to_json(self) -> Json:
        return {"path": self.path, "why": self.why, "line": self.line, "diff": self.diff}


@attrs.frozen(kw_only=True)
class Parity:
    """Owned paths of a result held against the target release."""

    series: str
    target: str
    """As the recipe has it."""
    commit: str
    files: int
    """Owned files, of the result or the target."""
    equal: int
    explained: tuple[Explained, ...] = ()
    unexplained: tuple[Unexplained, ...] = ()

    @property
    def differing(self) -> int:
        return self.files - self.equal

    @property
    def overrides(self) -> tuple[str, ...]:
        """Overrides that explain something."""
        return tuple(sorted({entry.override for entry in self.explained if entry.override is not None}))


@attrs.frozen(kw_only=True)
class Ignored:
    """Files of a directory that were left out of the comparison, and why."""

    pattern: str
    files: int

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Verified:
    """The tree that was checked."""

    place: str
    """The revision or the directory."""
    commit: str | None
    """None for a directory."""
    tree: str
    """Id of its tree, what is ignored left out."""

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Verification:
    """What came of a check: nothing differs and everything is explained, or a person has to look."""

    series: str
    base: BaseInfo
    result: Verified
    expected: str
    """Id of the tree the queue leads to on the base."""
    differences: tuple[Difference, ...]
    parity: tuple[Parity, ...]
    """One for each series of a stack that has a recipe and owned paths; most often there is one."""
    ignored: tuple[Ignored, ...] = ()
    certificate: Certificate

    @property
    def proven(self) -> bool:
        """Whether the tree is the expected one and every difference from the target is explained."""
        return not any(self._reasons())

    def reasons(self) -> list[str]:
        """One line for every difference and every hunk that nothing explains."""
        return list(self._reasons())

    def require(self) -> Verification:
        """Itself when proven. Raises NeedsPerson with every reason otherwise."""
        if not self.proven:
            raise NeedsPerson(self.reasons())
        return self

    def _reasons(self) -> Iterator[str]:
        yield from map(str, self.differences)
        for parity in self.parity:
            yield from map(str, parity.unexplained)

    def to_json(self) -> dict[str, object]:
        """The document of `verify --json` (docs/reference/json.md)."""
        return {
            "schema": 1,
            "command": "verify",
            "series": self.series,
            "base": self.base.to_json(),
            "result": self.result.to_json(),
            "expected": self.expected,
            "proven": self.proven,
            "differences": [difference.to_json() for difference in self.differences],
            "targets": [
                {"series": parity.series, "rev": parity.target, "commit": parity.commit} for parity in self.parity
            ],
            "files": sum(parity.files for parity in self.parity),
            "equal": sum(parity.equal for parity in self.parity),
            "explained": [entry.to_json() for parity in self.parity for entry in parity.explained],
            "unexplained": [entry.to_json() for parity in self.parity for entry in parity.unexplained],
            "ignored": [entry.to_json() for entry in self.ignored],
            "certificate": self.certificate.to_json(),
        }
