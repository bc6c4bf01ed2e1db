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
    """Writes files below a directory in directories that are not there yet, and takes back what it wrote.

    What it made itself nobody turned into a link: only the way to the directory is taken step by step.
    """

    def __init__(self, rooted: Rooted, place: str) -> None:
        """place: the directory's path below the root; it is made with the first file."""
        self._rooted = rooted
        self._place = place
        self._below: int | None = None
        self._made: list[tuple[bytes, bool]] = []
        """What was made, in order: path below the directory, and whether it is a directory."""
        self._directories: set[bytes] = set()

    def write(self, files: Mapping[str, FileState]) -> None:
        """Write files, by path below the directory.

        Raises EnvironmentFault where one cannot be, or is there already; nothing is left then.
        """
        try:
            for path in sorted(files, key=lambda path: path.split("/")):
                self._write(path.encode("utf-8", "surrogateescape"), files[path])
        except OSError as error:
            self.take_back()
            where = f"{self._rooted.root}: cannot write: {error.strerror}; nothing was changed"
            raise EnvironmentFault(where) from error
        except BaseException:
            self.take_back()
            raise

    def _write(self, path: bytes, state: FileState) -> None:
        below = self._open()
        directory = path.rpartition(b"/")[0]
        if directory and directory not in self._directories:
            self._make(directory, below)
        if state.mode == LINK:
            os.symlink(state.data, path, dir_fd=below)
            self._made.append((path, False))
            return
        permissions = state.mode & 0o777 if state.permissions is None else state.permissions
        opened = os.open(path, _FILE, permissions, dir_fd=below)
        self._made.append((path, False))
        try:
            left = memoryview(state.data)
            while left:
                left = left[os.write(opened, left) :]
            # The umask takes bits away, and an ACL that files inherit may say otherwise.
            if os.fstat(opened).st_mode & 0o777 != permissions:
                os.fchmod(opened, permissions)
        finally:
            os.close(opened)

    def _open(self) -> int:
        """A descriptor of the directory, made where it is missing; it is not reached through a link."""
        if self._below is None:
            parent, _, name = self._place.rpartition("/")
            above = self._rooted.directory(parent)
            if above is None:
                raise EnvironmentFault(f"{self._rooted.root / parent}: its directory has gone away")
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=above)
                self._made.append((b"", True))
            found = self._rooted.directory(self._place)
            assert found is not None
            self._below = os.dup(found)
        return self._below

    def _make(self, directory: bytes, below: int) -> None:
        """Make a directory and those on the way to it; one that somebody else made is not taken."""
        missing = []
        while directory and directory not in self._directories:
            missing.append(directory)
            directory = directory.rpartition(b"/")[0]
        for path in reversed(missing):
            os.mkdir(path, dir_fd=below)
            self._made.append((path, True))
            self._directories.add(path)

    def take_back(self) -> None:
        """Remove what was made."""
        self.close()
        below = self._rooted.directory(self._place)
        for path, directory in reversed(self._made):
            with contextlib.suppress(OSError):
                if not path:
                    self._rooted.remove_directory(self._place)
                elif below is not None:
                    remove = os.rmdir if directory else os.unlink
                    remove(path, dir_fd=below)
        self._made.clear()
        self._directories.clear()

    def close(self) -> None:
        """Be done: what was written stays."""
        if self._below is not None:
            os.close(self._below)
            self._below = None
