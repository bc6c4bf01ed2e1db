# SPDX-License-Identifier: MIT
"""What a refresh must not take for good before somebody has looked: conflicts, and places that were guessed."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import BadInput, Problem
from ...values.filechange import ChangeKind
from ...values.series import SeriesEntry
from ..directory.changes import FileState
from .apply import apply_changes
from .files import Fixed
from .gnu import as_gnu_patch_does
from .merging import has_markers
from .patchfile import PatchFile
from .queue import Quilt
from .state import FUZZ, REFRESH

__all__ = ["refuse_guesses", "refuse_markers"]

_LOOK = "look whether it is right, then refresh with --accept"


def refuse_markers(quilt: Quilt, name: str, new: Mapping[str, FileState | None]) -> None:
    """Raise BadInput where a push that was forced left a conflict in a file."""
    if not quilt.state.marked(name, REFRESH):
        return
    problems = [
        Problem(file=str(quilt.root / path), message="has conflict markers; settle what collides, then refresh")
        for path, state in new.items()
        if state is not None and has_markers(state.data)
    ]
    if problems:
        raise BadInput(problems)


def refuse_guesses(
    quilt: Quilt,
    name: str,
    patch: PatchFile,
    entry: SeriesEntry,
    old: Mapping[str, FileState | None],
    new: Mapping[str, FileState | None],
) -> None:
    """Raise BadInput where a hunk of the old patch stands in a place that was guessed."""
    problems: list[Problem] = []
    if quilt.state.marked(name, FUZZ):
        noted = quilt.rooted.read(quilt.state.path(name) + FUZZ)
        for line in [] if noted is None else noted.data.decode("utf-8", "surrogateescape").splitlines():
            problems.append(Problem(file=patch.label, message=f"{line}: {_LOOK}"))
    else:
        for change in patch.in_order(entry):
            if change.kind is not ChangeKind.MODIFY or change.path not in new:
                continue
            before, after = old[change.path], new[change.path]
            content = b"" if before is None else before.data
            now = None if after is None else after.data
            files = Fixed({change.path: before})
            applied = apply_changes(files, [change]).files[0]
            if applied.clean or as_gnu_patch_does(content, change.hunks) != now:
                continue
            problems += [
                Problem(
                    file=patch.label,
                    line=change.line,
                    message=f"hunk {hunk.number} of {change.path} was placed by a guess ({hunk.why}); {_LOOK}",
                )
                for hunk in applied.failures
            ]
    if problems:
        raise BadInput(problems)
