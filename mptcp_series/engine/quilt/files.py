# SPDX-License-Identifier: MIT
"""Files of a directory as they are and as they are to be: a whole run is worked out here before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from ..directory.changes import EXECUTABLE, LINK, REGULAR, FileState
from ..directory.rooted import Rooted

__all__ = ["Files", "Fixed", "blob_of", "with_data", "with_mode"]


class Files:
    """Reads files on first use; what is put over them is seen from then on.

    under: what is read where nothing was put, for a try on the state another `Files` has.
    """

    def __init__(self, rooted: Rooted, under: Files | None = None) -> None:
        self._rooted = rooted
        self._under = under
        self._there: dict[str, FileState | None] = {}
        self._now: dict[str, FileState | None] = {}

    def get(self, path: str) -> FileState | None:
        """The file at a path, None where there is none."""
        return self._now[path] if path in self._now else self._read(path)

    def put(self, path: str, state: FileState | None) -> None:
        self._read(path)
        self._now[path] = state

    def _read(self, path: str) -> FileState | None:
        if self._under is not None:
            return self._under.get(path)
        if path not in self._there:
            self._there[path] = self._rooted.read(path)
        return self._there[path]

    def touched(self) -> frozenset[str]:
        """Paths that were put."""
        return frozenset(self._now)

    def changes(self) -> Mapping[str, FileState | None]:
        """What differs from what is there."""
        return {path: state for path, state in self._now.items() if state != self._read(path)}

    def before(self) -> Mapping[str, FileState | None]:
        """What was found at the paths that were put."""
        return {path: self._there[path] for path in self._now if path in self._there}


class Fixed(Files):
    """Files that are in memory only."""

    def __init__(self, states: Mapping[str, FileState | None]) -> None:
        self._states = dict(states)

    def get(self, path: str) -> FileState | None:
        return self._states.get(path)

    def put(self, path: str, state: FileState | None) -> None:
        self._states[path] = state


def with_data(state: FileState | None, data: bytes) -> FileState:
    """The file with other content, with the permissions it has."""
    return (
        FileState(data=data) if state is None else FileState(data=data, mode=state.mode, permissions=state.permissions)
    )


def with_mode(state: FileState, mode: int) -> FileState:
    """The file with git's mode; who may read an executable may run it, as git checks files out."""
    if mode == state.mode or mode not in (REGULAR, EXECUTABLE, LINK):
        return state
    if LINK in (mode, state.mode) or state.permissions is None:
        return FileState(data=state.data, mode=mode)
    reading = (state.permissions & 0o444) >> 2
    permissions = state.permissions | reading if mode == EXECUTABLE else state.permissions & ~0o111
    if mode == EXECUTABLE:
        permissions |= 0o100
    return FileState(data=state.data, mode=mode, permissions=permissions)


def blob_of(state: FileState | None) -> bytes:
    """Content as a backup has it: nothing for no file."""
    return b"" if state is None else state.data
