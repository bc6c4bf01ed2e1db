# SPDX-License-Identifier: MIT
"""Whether a history is whole as far as a range goes: of a cut one nobody can say which commits the range has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ShallowSource

if TYPE_CHECKING:
    import pygit2

__all__ = ["Cut"]


class Cut:
    """Where the history of a shallow repository ends; in a whole one nothing is refused."""

    def __init__(self, source: pygit2.Repository, revisions: str) -> None:
        self._source = source
        self._revisions = revisions
        self._boundary = _shallow_boundary(source)

    @property
    def possible(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._boundary)

    def check(self, commit: str, has_parents: bool) -> None:
        """Raise ShallowSource where the commits of the range cannot be known."""
        if has_parents:
            return
        if commit in self._boundary:
            what = f"is cut at {commit}, inside {self._revisions}"
        elif (below := self._cut_before_start()) is not None:
            what = f"is cut at {below}, so it does not tell what of {self._revisions} is older than its start"
        else:
            return
        raise ShallowSource(
            f"the history of {self._source.path} {what}; the queue would not be right. "
            "Run `git fetch --unshallow` there, or `mptcp-series fetch`"
        )

    def _cut_before_start(self) -> str | None:
        """A cut below the range's start: a line of the range that goes down to its root may be older than the start."""
        start = self._source.revparse_single(f"{self._revisions.partition('..')[0]}^{{commit}}").id
        for commit in sorted(self._boundary):
            if commit == str(start) or (commit in self._source and self._source.descendant_of(start, commit)):
                return commit
        return None


def _shallow_boundary(source: pygit2.Repository) -> frozenset[str]:
    """Commits whose parents were cut away."""
    directory = Path(source.path)
    shared = directory / "commondir"  # of a linked worktree
    if shared.is_file():
        directory = directory / shared.read_text().strip()
    file = directory / "shallow"
    return frozenset(file.read_text("ascii").split()) if file.is_file() else frozenset()
