# SPDX-License-Identifier: MIT
"""What is to be written below a directory, looked at before anything is: paths, kinds, permissions, what is there.

Everything that can be known to be wrong is refused here, with all files it is true of, while nothing has changed yet.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

import attrs

from ...errors import BadInput, Problem, ReadOnlyDirectory, UnsafePath
from .rooted import FileState, Rooted, kind_of, split

__all__ = ["Plan", "Planned", "is_file", "parents"]


@attrs.frozen
class Planned:
    """One file that changes."""

    path: str
    state: FileState | None
    """What it is to be; None where it is taken away."""
    there: os.stat_result | None
    """What is there now."""


class Plan:
    """The files of one run that are to change, and the directories they take."""

    def __init__(
        self, rooted: Rooted, changes: Mapping[str, FileState | None], before: Mapping[str, FileState | None]
    ) -> None:
        self.rooted = rooted
        self.changes = dict(sorted(changes.items()))
        self.before = before
        self.moves: list[Planned] = []
        """Filled by `check`, as are the directories; a file that is what it is to be has none."""
        self.early: dict[str, None] = {}
        """Directories to be made at once."""
        self.late: dict[str, None] = {}
        """Directories to be made where a file is now."""
        self._problems: list[Problem] = []
        self._read_only: dict[str, str] = {}

    def check(self, journal: str | None) -> None:
        """Look at every path; raise with all that is wrong."""
        self._writable("")
        if journal is not None:
            self._writable(split(journal)[0])
        stale = [
            Problem(message=f"{self.rooted.root / path}: changed since it was read; look, and try again")
            for path, state in self.before.items()
            if not _same(self.rooted.read(path), state)
        ]
        for path, state in self.changes.items():
            try:
                there = self._target(path, state)
                found = self.rooted.read(path) if there is not None else None
            except UnsafePath as error:
                self._problems += error.problems
                continue
            if state is None and there is None:
                continue
            if state is not None and found is not None and _already(found, state):
                continue
            self.moves.append(Planned(path, state, there))
            self._writable(split(path)[0])
        if self._problems:
            raise UnsafePath(self._problems)
        if stale:
            raise BadInput(stale)
        if self._read_only and self.moves:
            shown = "\n".join(f"{place}: {why}" for place, why in self._read_only.items())
            raise ReadOnlyDirectory(f"{shown}\nnothing was written; work on a copy")

    def _target(self, path: str, state: FileState | None) -> os.stat_result | None:
        """What is at the path; directories to be made on the way to a new file are noted."""
        above = parents(path)
        for parent in above if state is not None else ():
            if self.changes.get(parent) is not None:
                raise UnsafePath(f"{path}: a file is to be written at {parent}, which would be its directory")
        for at, parent in enumerate(above):
            there = self.rooted.status(parent)
            if there is not None and stat.S_ISDIR(there.st_mode):
                continue
            if there is not None and not (parent in self.changes and self.changes[parent] is None and is_file(there)):
                raise UnsafePath(f"{path}: {parent} is {kind_of(there.st_mode)}, and no directory of the tree")
            if state is not None:
                # Below a file nothing can be made before the file is gone.
                wanted = self.early if there is None else self.late
                wanted.update(dict.fromkeys(above[at:]))
            return None
        there = self.rooted.status(path)
        if there is None or is_file(there):
            return there
        if not stat.S_ISDIR(there.st_mode):
            raise UnsafePath(f"{path} is {kind_of(there.st_mode)}")
        if state is None:
            return None
        if kept := self._kept_below(path):
            raise UnsafePath(f"{path} is a directory, and holds {kept}")
        return there

    def _kept_below(self, path: str) -> str | None:
        """A file below a directory that is there to stay."""
        for name in self.rooted.names(path):
            below = f"{path}/{name}"
            there = self.rooted.status(below)
            if there is not None and stat.S_ISDIR(there.st_mode):
                kept = self._kept_below(below)
                if kept is not None:
                    return kept
            elif not (below in self.changes and self.changes[below] is None):
                return below
        return None

    def _writable(self, path: str) -> None:
        """Note a directory one may not write in; of one that is not there yet, the one it will be made in."""
        while (descriptor := self._existing(path)) is None:
            path = split(path)[0]
        place = str(self.rooted.root / path) if path else str(self.rooted.root)
        if place in self._read_only:
            return
        mode = os.fstat(descriptor).st_mode
        if os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
            self._read_only[place] = "is on a read-only file system"
        elif not mode & 0o222:
            # Root may write there all the same; who took the right away from everybody meant it.
            self._read_only[place] = f"is read-only (mode {stat.S_IMODE(mode):04o})"
        elif not os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor, effective_ids=True):
            self._read_only[place] = "may not be written by this user"

    def _existing(self, path: str) -> int | None:
        try:
            return self.rooted.directory(path)
        except UnsafePath:
            return None


def parents(path: str) -> list[str]:
    """The directories on the way to a path, from the root on.

    >>> parents("net/mptcp/pm.c")
    ['net', 'net/mptcp']
    """
    names = path.split("/")
    return ["/".join(names[:depth]) for depth in range(1, len(names))]


def is_file(there: os.stat_result) -> bool:
    """Whether it is what a tree has as a file: a regular one, or a symbolic link."""
    return stat.S_ISREG(there.st_mode) or stat.S_ISLNK(there.st_mode)


def _same(found: FileState | None, wanted: FileState | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return (found.data, found.mode) == (wanted.data, wanted.mode)


def _already(found: FileState, wanted: FileState) -> bool:
    return _same(found, wanted) and wanted.permissions in (None, found.permissions)
