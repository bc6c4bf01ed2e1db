# SPDX-License-Identifier: MIT
"""Every error a caller can catch, by concept.

Conflicts, drift and already-upstream patches are values of a result, not exceptions. Exceptions
are for bad input (`BadInput`), for a broken or incomplete environment (`EnvironmentFault`), and for
a caller that asked a result to be complete when it is not (`NeedsPerson`).
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

__all__ = [
    "AlreadyApplied",
    "BadInput",
    "BadOverride",
    "BadPatch",
    "BadRecipe",
    "BadSeries",
    "BadTopics",
    "EnvironmentFault",
    "MissingObject",
    "MptcpSeriesError",
    "NeedsPerson",
    "NoRepository",
    "NoTarget",
    "NothingToDo",
    "Problem",
    "ReadOnlyDirectory",
    "ShallowSource",
    "StaleEdit",
    "ToolMissing",
    "UnknownRevision",
    "UnsafePath",
]


@attrs.frozen(kw_only=True, order=True)
class Problem:
    """One thing wrong with an input: where it stands, what it is and what to do."""

    file: str | None = None
    line: int | None = None
    """1-based; None where the problem is of the whole file."""
    message: str

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{where}: {self.message}" if where else self.message


class MptcpSeriesError(Exception):
    """Base of every error this package raises on purpose."""


class BadInput(MptcpSeriesError):
    """Input that cannot be used; `problems` holds all that is wrong with it, not just the first."""

    def __init__(self, problems: Iterable[Problem] | str, *, file: str | None = None, line: int | None = None) -> None:
        if isinstance(problems, str):
            problems = (Problem(file=file, line=line, message=problems),)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BadSeries(BadInput):
    """A series file that quilt would have to guess about."""


class BadPatch(BadInput):
    """A patch file that is damaged or hostile."""


class BadRecipe(BadInput):
    """A recipe.toml with unknown, missing or ill-typed keys."""


class BadOverride(BadInput):
    """An override file that does not say what it must."""


class BadTopics(BadInput):
    """A file of topics with rules that cannot be read."""


class UnsafePath(BadInput):
    """A path that leaves the tree, names `.git`, or goes through a symbolic link."""


class AlreadyApplied(BadInput):
    """A plain directory that a queue was applied to before.

    `same` says whether it is this very queue, whole, and its files are as it left them: nothing is to be done.
    `warnings` is what was seen when the queue was read.
    """

    def __init__(self, message: str, *, file: str | None = None, same: bool = False) -> None:
        super().__init__(message, file=file)
        self.same = same
        self.warnings: tuple[str, ...] = ()


class UnknownRevision(BadInput):
    """A revision or range the repository does not have."""


class StaleEdit(BadInput):
    """An edit of a patch whose queue or base is another now."""


class NothingToDo(BadInput):
    """What was asked for is the case already: no patch is left to push or to pop. quilt's verbs end with 2 then."""


class EnvironmentFault(MptcpSeriesError):
    """The surroundings lack something: a repository, an object, a tool, a lock."""


class NoRepository(EnvironmentFault):
    """No git repository at the given place."""


class ReadOnlyDirectory(EnvironmentFault):
    """A directory that is to be patched and may not be written."""


class NoTarget(EnvironmentFault):
    """The release that parity is held against is not at hand."""


class MissingObject(EnvironmentFault):
    """A git object the job needs and the repository does not hold."""


class ShallowSource(EnvironmentFault):
    """The source's history is cut inside the range, so a pick from it would be silently short."""


class ToolMissing(EnvironmentFault):
    """An external program is not installed, or is too old."""


class NeedsPerson(MptcpSeriesError):
    """A result was required to be complete, and a person has to settle something first.

    `reasons` holds one line for every conflict, drift and lost fix.
    """

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons: tuple[str, ...] = tuple(reasons)
        super().__init__("\n".join(self.reasons))
