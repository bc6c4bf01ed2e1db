# SPDX-License-Identifier: MIT
"""The directory of a resolve: the files a person edits, what they are read back as, and the lock.

A directory that no resolve made is never written into. `state.json` goes first as begun and last as complete, so a
killed run is told from a finished one and can be begun again. Symbolic links are laid out as links and read as links:
nothing is written or read through one. Without a trace means that directories made on the way go too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...errors import BadInput, EnvironmentFault
from ...values.paths import check_tree_path
from ..store.files import replace_file
from ..store.objects import EXECUTABLE, LINK, REGULAR

__all__ = ["STATE", "Content", "Place"]

STATE = "state.json"
SIDES = ("tree", "base", "ours", "theirs")

Content = tuple[int, bytes]
"""Mode and bytes of a file; of a symbolic link, what it points to."""


class Place:
    """A directory on disk, absolute, that may not be there yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(os.path.abspath(directory))

    @property
    def exists(self) -> bool:
        """Whether a resolve is here, complete or cut short."""
        return (self.directory / STATE).is_file()

    def claim(self) -> int:
        """Make the directory and lock it; how many directories were made. Raises BadInput for somebody's directory."""
        with self._faults("make"):
            made = len([path for path in (self.directory, *self.directory.parents) if not path.exists()])
            self.directory.mkdir(parents=True, exist_ok=True)
            foreign = [] if self.exists else sorted(os.listdir(self.directory))
        if foreign:
            raise BadInput(f"{self.directory} holds {foreign[0]}, and no resolve made it; name another with --dir")
        return made

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against another run. Raises EnvironmentFault where one is at work."""
        with self._faults("lock"):
            handle = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise EnvironmentFault(f"another resolve is at work in {self.directory}; wait for it to end") from None
            yield
        finally:
            os.close(handle)

    def read_state(self) -> bytes:
        """The bytes of state.json. Raises BadInput where there is none."""
        if not self.exists:
            raise BadInput(f"no resolve is under way in {self.directory}; `mptcp-series resolve` begins one")
        with self._faults("read"):
            return (self.directory / STATE).read_bytes()

    def write_state(self, data: bytes) -> None:
        replace_file(self.directory / STATE, data)

    def clear_but_state(self) -> None:
        """Take away all that was laid out before."""
        with self._faults("clear"):
            for name in sorted(set(os.listdir(self.directory)) - {STATE}):
                path = self.directory / name
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def remove(self, made: int) -> None:
        """Take everything away, the state last, and of the directories so many as were made, while they are empty."""
        self.clear_but_state()
        with self._faults("clear"):
            (self.directory / STATE).unlink(missing_ok=True)
        for path in [self.directory, *self.directory.parents][:made]:
            try:
                path.rmdir()
            except OSError:
                return

    def write(self, side: str, path: str, content: Content | None) -> None:
        """Put one file below `side`, or take it away; a link in the way is replaced, never followed."""
        target = self._target(side, path)
        link = self._link_above(target)
        if link is not None:
            raise BadInput(f"{link} is a symbolic link, and {path} lies below it; take the link away")
        with self._faults("write"):
            if target.is_symlink() or target.is_file():
                target.unlink()
            if content is None:
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            mode, data = content
            if mode == LINK:
                os.symlink(data, os.fsencode(target))
                return
            target.write_bytes(data)
            os.chmod(target, 0o755 if mode == EXECUTABLE else 0o644)

    def write_text(self, name: str, data: bytes) -> None:
        """Put a file of our own beside the sides."""
        replace_file(self.directory / name, data)

    def read(self, side: str, path: str) -> Content | None:
        """A file as it stands. Raises BadInput for what no git tree can hold."""
        target = self._target(side, path)
        if self._link_above(target) is not None:
            return None
        with self._faults("read"):
            try:
                status = os.lstat(target)
            except (FileNotFoundError, NotADirectoryError):
                return None
            if stat.S_ISLNK(status.st_mode):
                return LINK, os.readlink(os.fsencode(target))
            if stat.S_ISDIR(status.st_mode):
                return None
            if not stat.S_ISREG(status.st_mode):
                raise BadInput(f"{target} is no file; put a file or a symbolic link there, or take it away")
            return (EXECUTABLE if status.st_mode & stat.S_IXUSR else REGULAR), target.read_bytes()

    def files(self, side: str) -> list[str]:
        """Every file below a side, sorted, links not followed."""
        top = os.fsencode(self.directory / side)
        found = []
        with self._faults("read"):
            for directory, directories, names in os.walk(top):
                links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
                for name in (*names, *links):
                    found.append(os.path.relpath(os.path.join(directory, name), top))
        return sorted(os.fsdecode(name) for name in found)

    def lay(self, sides: Mapping[str, Mapping[str, Content | None]], texts: Mapping[str, bytes]) -> None:
        """Write every file of every side, and the texts beside them."""
        for side, files in sides.items():
            for path, content in files.items():
                self.write(side, path, content)
        for name, data in texts.items():
            self.write_text(name, data)
        with self._faults("make"):
            (self.directory / "tree").mkdir(exist_ok=True)

    def _target(self, side: str, path: str) -> Path:
        """Where a file is. Raises BadInput for a path that leaves the side."""
        assert side in SIDES
        if trouble := check_tree_path(path):
            raise BadInput(f"unsafe path {path!r}: {trouble}")
        return self.directory / side / path

    def _link_above(self, target: Path) -> Path | None:
        """A directory on the way to a file that somebody made a link of."""
        above = [parent for parent in target.parents if self.directory in parent.parents]
        return next((parent for parent in above if parent.is_symlink()), None)

    @contextlib.contextmanager
    def _faults(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.filename if error.filename is not None else self.directory
            shown = os.fsdecode(what) if isinstance(what, bytes | str) else str(what)
            raise EnvironmentFault(f"cannot {verb} {shown}: {error.strerror}") from error
