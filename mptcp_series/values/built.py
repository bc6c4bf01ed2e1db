# SPDX-License-Identifier: MIT
"""What became of a build, as plain values: whose fault each error is, what is new, what was not looked at.

Nothing here knows make. The JSON shape is `docs/reference/json.md`; its keys are stable.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from .diagnostic import Diagnostic
from .result import BaseInfo

__all__ = [
    "Blame",
    "Build",
    "BuildRow",
    "Builds",
    "Finding",
    "Found",
    "Hidden",
    "PatchBuild",
    "PatchFate",
    "RenamedSymbol",
]

Json = Mapping[str, object]


class Blame(enum.Enum):
    """How a message was laid at a patch."""

    LINE = "line"
    """The patch wrote the line."""
    USE = "use"
    """It wrote the line that uses what the message is about: a macro, or a header that is included."""
    REMOVED = "removed"
    """It took away, or changed, what a line of the base uses."""
    NOBODY = "nobody"
    """The line is the base's, and no patch of the queue could be found."""


@attrs.frozen(kw_only=True)
class Finding:
    """One message of a build, and the patch it is laid at."""

    diagnostic: Diagnostic
    units: tuple[str, ...]
    """The files in whose compilation it was said, sorted: a header's error is told once."""
    patch: str | None
    blame: Blame
    cure: str | None = None
    """What would bring the name it misses, where that is known."""
    behind: str | None = None
    """A header that is not there, and for which an empty one stood when this was said: it may be a consequence."""

    @property
    def reason(self) -> str:
        """One line for a person who has to settle it."""
        who = {
            Blame.LINE: "",
            Blame.USE: " (uses it)",
            Blame.REMOVED: " (took it away)",
            Blame.NOBODY: "",
        }[self.blame]
        return f"{self.patch or 'the base'}{who}: {self.diagnostic}"

    def to_json(self) -> Json:
        return {
            **self.diagnostic.to_json(),
            "units": list(self.units),
            "patch": self.patch,
            "blame": self.blame.value,
            "cure": self.cure,
            "behind": self.behind,
        }


@attrs.frozen(kw_only=True)
class RenamedSymbol:
    """A Kconfig symbol that the configuration sets and the queue takes away."""

    symbol: str
    now: str | None
    """Its new name; None where the queue dropped it."""
    patch: str

    def __str__(self) -> str:
        became = "dropped" if self.now is None else f"renamed to CONFIG_{self.now}"
        return f"CONFIG_{self.symbol} is {became} by {self.patch}"

    def to_json(self) -> Json:
        return attrs.asdict(self)


@attrs.frozen(kw_only=True)
class Hidden:
    """What this build cannot have seen: an honest list of where more errors may be."""

    behind: tuple[str, ...] = ()
    """Files that were only compiled with empty headers in the place of missing ones."""
    unread: tuple[str, ...] = ()
    """Files whose compiler stopped early for another reason; what follows there was not looked at."""
    not_compiled: tuple[str, ...] = ()
    """C files of the series that the configuration does not compile."""
    outside: tuple[str, ...] = ()
    """C files of the series that are no part of a kernel."""
    left_out: tuple[str, ...] = ()
    """Files left out of the source because their content is absent."""
    linked: bool = False
    """Whether the kernel was linked: names that nothing defines show there."""

    def to_json(self) -> Json:
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in attrs.asdict(self, recurse=False).items()
        }


class PatchFate(enum.Enum):
    """What became of the tree after one patch."""

    BUILDS = "builds"
    FAILS = "fails"
    STILL = "still fails"
    """With errors an earlier patch brought, and no new ones."""
    WINDOW = "in the window"
    """It fails, between the retraction of a change of the base and the patch that brings it back: not its fault."""
    NOTHING = "nothing to compile"


@attrs.frozen(kw_only=True)
class PatchBuild:
    """The tree after one patch, compiled."""

    name: str
    fate: PatchFate
    errors: tuple[str, ...] = ()
    """New errors, as a compiler says them."""
    since: str | None = None
    """Of one that still fails: the patch that brought the first of its errors."""

    def to_json(self) -> Json:
        return {"name": self.name, "fate": self.fate.value, "errors": list(self.errors), "since": self.since}


@attrs.frozen(kw_only=True)
class Found:
    """The end of a bisection."""

    patch: str | None
    """The first patch with which the tree does not build; None where there is none, or the base itself does not."""
    errors: tuple[str, ...] = ()
    tried: tuple[tuple[str, bool], ...] = ()
    """The patches after which the tree was compiled, in order, and whether it built."""
    window: tuple[str, ...] = ()
    """Patches that were not tried because they lie in the window."""

    def to_json(self) -> Json:
        return {
            "patch": self.patch,
            "errors": list(self.errors),
            "tried": [{"name": name, "builds": builds} for name, builds in self.tried],
            "window": list(self.window),
        }


@attrs.frozen(kw_only=True)
class Build:
    """What became of one result."""

    series: str
    base: BaseInfo
    commit: str | None
    tree: str
    directory: str
    """As it was named."""
    arch: str
    compiler: str
    arguments: tuple[str, ...]
    """Extra arguments of make, those the machine's tools needed included."""
    directories: tuple[str, ...]
    """Every directory something was asked for in."""
    compiled: int
    """How many objects were compiled, in this run or an earlier one."""
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    """Those that the base does not have."""
    known: tuple[str, ...] = ()
    """Errors that the unpatched base has as well: not the queue's."""
    old_warnings: int = 0
    """How many warnings the base has as well."""
    renamed: tuple[RenamedSymbol, ...] = ()
    unfulfilled: tuple[str, ...] = ()
    """Symbols asked for that Kconfig did not set."""
    passes: int = 1
    """How often the failing files were compiled until the set of errors stood still."""
    hidden: Hidden = attrs.field(factory=Hidden)
    image: str | None = None
    """The kernel image, where one was asked for and made."""
    patches: tuple[PatchBuild, ...] | None = None
    bisected: Found | None = None
    notes: tuple[str, ...] = ()

    def reasons(self) -> list[str]:
        """One line for every error of the queue, and every patch that does not build."""
        found = [finding.reason for finding in self.errors]
        found += [
            f"{patch.name}: does not build: {patch.errors[0]}"
            for patch in self.patches or ()
            if patch.fate is PatchFate.FAILS
        ]
        return found

    def to_json(self) -> Json:
        return {
            "base": self.base.to_json(),
            "result": {"commit": self.commit, "tree": self.tree, "branch": None},
            "directory": self.directory,
            "arch": self.arch,
            "compiler": self.compiler,
            "arguments": list(self.arguments),
            "directories": list(self.directories),
            "compiled": self.compiled,
            "errors": [finding.to_json() for finding in self.errors],
            "warnings": [finding.to_json() for finding in self.warnings],
            "known": list(self.known),
            "old_warnings": self.old_warnings,
            "kconfig": {
                "renamed": [entry.to_json() for entry in self.renamed],
                "unfulfilled": list(self.unfulfilled),
            },
            "passes": self.passes,
            "hidden": self.hidden.to_json(),
            "image": self.image,
            "patches": None if self.patches is None else [patch.to_json() for patch in self.patches],
            "bisected": None if self.bisected is None else self.bisected.to_json(),
            "notes": list(self.notes),
        }


@attrs.frozen(kw_only=True)
class BuildRow:
    """One base of several. Where its build could not start, `error` says why."""

    repo: str
    base: BaseInfo
    build: Build | None = None
    reasons: tuple[str, ...] = ()
    error: str | None = None
    fault: bool = False
    """Whether the error is that of the surroundings, and not of the base."""

    def to_json(self) -> Json:
        return {
            "repo": self.repo,
            "base": self.base.to_json(),
            "build": None if self.build is None else self.build.to_json(),
            "reasons": list(self.reasons),
            "error": self.error,
        }


@attrs.frozen(kw_only=True)
class Builds:
    """All bases, in the order they were given."""

    series: str
    rows: tuple[BuildRow, ...]

    def to_json(self) -> Json:
        return {
            "schema": 1,
            "command": "build",
            "series": self.series,
            "bases": [row.to_json() for row in self.rows],
        }
