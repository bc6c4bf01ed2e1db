# SPDX-License-Identifier: MIT
"""Which release had a commit first: of the target's stable line, or of mainline."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

import pygit2

from .basechanges import commit_at, release_tags
from .stable import release_line

__all__ = ["Releases", "mainline_tags"]


class Releases:
    """Which release of the target's line, or of mainline, has a commit first."""

    def __init__(self, source: pygit2.Repository, target: str) -> None:
        self._source = source
        line = release_line(target)
        self.sublevel = -1 if line is None else line[1]
        self._line: list[tuple[int, str, pygit2.Commit]] = []
        if line is not None:
            self._line = [
                (number, name.removeprefix("refs/tags/"), commit_at(source, name))
                for number, name in release_tags(source, line[0]).items()
            ]
        self._mainline = [
            (number, name.removeprefix("refs/tags/"), commit_at(source, name))
            for number, name in enumerate(mainline_tags(source))
        ]

    def tips(self) -> list[str]:
        return [str(tags[-1][2].id) for tags in (self._line, self._mainline) if tags]

    def newest(self) -> tuple[str, ...]:
        return tuple(tags[-1][1] for tags in (self._line, self._mainline) if tags)

    def in_line(self, commit: pygit2.Commit) -> tuple[int, str] | None:
        """(sublevel, name) of the first release of the target's line that has a commit."""
        return self._first(self._line, commit)

    def in_mainline(self, commit: pygit2.Commit) -> str | None:
        found = self._first(self._mainline, commit)
        return None if found is None else found[1]

    def _first(self, tags: Sequence[tuple[int, str, pygit2.Commit]], commit: pygit2.Commit) -> tuple[int, str] | None:
        """The first tag that has a commit; dates say where to begin, as a question of ancestry is expensive."""
        if not tags or not self.has(tags[-1][2], commit):
            return None
        at = bisect.bisect_left(tags, commit.commit_time, key=lambda tag: tag[2].commit_time)
        at = min(at, len(tags) - 1)
        while not self.has(tags[at][2], commit):
            at += 1
        while at and self.has(tags[at - 1][2], commit):
            at -= 1
        return tags[at][0], tags[at][1]

    def has(self, tip: pygit2.Commit, commit: pygit2.Commit) -> bool:
        try:
            return tip.id == commit.id or self._source.descendant_of(tip.id, commit.id)
        except (KeyError, pygit2.GitError):
            return False


_MAINLINE = re.compile(r"refs/tags/v(\d+)\.(\d+)")


def mainline_tags(source: pygit2.Repository) -> list[str]:
    """References of mainline's releases, v5.15 and the like, oldest first."""
    found = [(int(match[1]), int(match[2]), name) for name in source.references if (match := _MAINLINE.fullmatch(name))]
    return [name for _, _, name in sorted(found)]
