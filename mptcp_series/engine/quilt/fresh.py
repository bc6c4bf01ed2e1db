# SPDX-License-Identifier: MIT
"""Backups of many patches, written where nothing is yet.

A push of a queue makes a few thousand directories and files below `.pc`, for patches that nothing says are applied
until the list of applied patches does. They need no temporaries and no journal: a killed run leaves files that the
next push of that patch takes away, and what fails is taken back here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

from ...errors import EnvironmentFault, UnsafePath
from ..directory.changes import LINK, FileState
from ..directory.rooted import Rooted

__all__ = ["FreshFiles", "all_writable"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def all_writable(rooted: Rooted, paths: Iterable[str]) -> bool:
    """Whether the directories of files, as far as they are there, may be written; a link on the way is none."""
    if os.fstatvfs(rooted.descriptor).f_flag & os.ST_RDONLY:
        return False
    for place in {path.rpartition("/")[0] for path in paths} | {""}:
        try:
            descriptor = rooted.directory(place)
        except (UnsafePath, EnvironmentFault):
            return False
        if descriptor is None:
            continue
        if not os.fstat(descriptor).st_mode & 0o222:
            return False
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor, effective_ids=True):
            return False
    return True


class FreshFiles:
    """Writes files that are not there, and takes back what it wrote."""

    def __init__(self, rooted: Rooted) -> None:
        self._rooted = rooted
        self._chain: list[tuple[bytes, int]] = []
        self._made: list[tuple[bytes, bool]] = []
        """What was made, in order: path, and whether it is a directory."""

    def write(self, files: Mapping[str, FileState]) -> None:
        """Write files. Raises EnvironmentFault where one cannot be, or is there already; nothing is left then."""
        try:
            for path in sorted(files, key=lambda path: path.split("/")):
                *parents, name = path.encode("utf-8", "surrogateescape").split(b"/")
                self._write(self._enter(parents), parents, name, files[path])
        except OSError as error:
            self.take_back()
            where = f"{self._rooted.root}: cannot write: {error.strerror}; nothing was changed"
            raise EnvironmentFault(where) from error
        except BaseException:
            self.take_back()
            raise
        finally:
            self._leave(0)

    def _write(self, directory: int, parents: list[bytes], name: bytes, state: FileState) -> None:
        path = b"/".join((*parents, name))
        if state.mode == LINK:
            os.symlink(state.data, name, dir_fd=directory)
            self._made.append((path, False))
            return
        opened = os.open(name, _FILE, 0o600, dir_fd=directory)
        self._made.append((path, False))
        try:
            left = memoryview(state.data)
            while left:
                left = left[os.write(opened, left) :]
            os.fchmod(opened, state.mode & 0o777 if state.permissions is None else state.permissions)
        finally:
            os.close(opened)

    def _enter(self, names: list[bytes]) -> int:
        """A descriptor of a directory, made where it is missing; none is reached through a link."""
        keep = 0
        while keep < min(len(names), len(self._chain)) and self._chain[keep][0] == names[keep]:
            keep += 1
        self._leave(keep)
        for depth in range(keep, len(names)):
            above = self._chain[-1][1] if self._chain else self._rooted.descriptor
            with contextlib.suppress(FileExistsError):
                os.mkdir(names[depth], dir_fd=above)
                self._made.append((b"/".join(names[: depth + 1]), True))
            self._chain.append((names[depth], os.open(names[depth], _DIRECTORY, dir_fd=above)))
        return self._chain[-1][1] if self._chain else self._rooted.descriptor

    def _leave(self, keep: int) -> None:
        while len(self._chain) > keep:
            os.close(self._chain.pop()[1])

    def take_back(self) -> None:
        """Remove what was made."""
        self._leave(0)
        for path, directory in reversed(self._made):
            remove = os.rmdir if directory else os.unlink
            with contextlib.suppress(OSError):
                remove(path, dir_fd=self._rooted.descriptor)
        self._made.clear()
