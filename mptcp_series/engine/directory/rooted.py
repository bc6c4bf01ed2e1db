# SPDX-License-Identifier: MIT
"""Files below one directory, reached without ever following a symbolic link.

A patch names files of a tree, and the tree is other people's: `net/` may be a link to `/etc`. Every directory on the
way is opened from its parent by descriptor with O_NOFOLLOW, so that nothing outside the tree can be read or written,
not even by a link that appears while a run is under way. Only the path to the root itself may go through links.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final

import attrs

from ...errors import EnvironmentFault, UnsafePath
from ...values.modes import EXECUTABLE, LINK, REGULAR
from ...values.paths import check_tree_path

__all__ = ["EXECUTABLE", "LINK", "REGULAR", "FileState", "Rooted", "tree_path"]

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@attrs.frozen(kw_only=True)
class FileState:
    """What a file is: its bytes and its mode as git has modes.

    mode: 0o100644, 0o100755, or 0o120000 for a symbolic link, whose target are the bytes.
    permissions: the exact permission bits of a regular file (0o000 to 0o777) where these matter; None: those the file
    at its place has, as long as it is as executable as `mode` says, else those of `mode`. That is what GNU patch
    does, and so quilt.
    """

    data: bytes
    mode: int = attrs.field(default=REGULAR, validator=attrs.validators.in_((REGULAR, EXECUTABLE, LINK)))
    permissions: int | None = None


def tree_path(path: str | bytes) -> str:
    """A path below the root. Raises UnsafePath for one that leaves it or reaches into a repository."""
    text = path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")
    if trouble := check_tree_path(text):
        raise UnsafePath(f"unsafe path {text!r}: {trouble}")
    return text


class Rooted:
    """One directory, open. Paths are relative to it; parents that are no directories are refused with UnsafePath.

    The directory last used stays open: callers go through paths in sorted order.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self.descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise EnvironmentFault(f"{root}: cannot be opened as a directory: {error.strerror}") from error
        self._chain: list[tuple[str, int]] = []

    def __enter__(self) -> Rooted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()
        os.close(self.descriptor)

    def forget(self) -> None:
        """Close what is open below the root: directories come and go."""
        while self._chain:
            os.close(self._chain.pop()[1])

    def directory(self, path: str) -> int | None:
        """A descriptor of a directory below the root ("" is the root itself), good until the next call.

        None where it is not there. Raises UnsafePath where a component is a link or a file.
        """
        names = path.split("/") if path else []
        keep = 0
        while keep < min(len(names), len(self._chain)) and self._chain[keep][0] == names[keep]:
            keep += 1
        while len(self._chain) > keep:
            os.close(self._chain.pop()[1])
        for depth in range(keep, len(names)):
            above = self._chain[-1][1] if self._chain else self.descriptor
            try:
                descriptor = os.open(_encoded(names[depth]), _DIRECTORY, dir_fd=above)
            except FileNotFoundError:
                return None
            except OSError as error:
                at = "/".join(names[: depth + 1])
                found = os.stat(_encoded(names[depth]), dir_fd=above, follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    raise EnvironmentFault(f"{self.root / at}: {error.strerror}") from error
                raise UnsafePath(f"{path}: {at} is {kind_of(found.st_mode)}, and no directory of the tree") from None
            self._chain.append((names[depth], descriptor))
        return self._chain[-1][1] if self._chain else self.descriptor

    def status(self, path: str) -> os.stat_result | None:
        """What is at a path, links not followed; None where nothing is."""
        parent, name = split(path)
        descriptor = self.directory(parent)
        if descriptor is None:
            return None
        try:
            return os.stat(_encoded(name), dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, path: str) -> FileState | None:
        """The file at a path with its exact permissions; None where there is none, or a directory.

        Raises UnsafePath for a device, a FIFO or a socket, and where a parent is a link or a file.
        """
        found = self.status(path)
        if found is None or stat.S_ISDIR(found.st_mode):
            return None
        parent, name = split(path)
        descriptor = self.directory(parent)
        assert descriptor is not None
        try:
            if stat.S_ISLNK(found.st_mode):
                return FileState(data=os.readlink(_encoded(name), dir_fd=descriptor), mode=LINK)
            if not stat.S_ISREG(found.st_mode):
                raise UnsafePath(f"{path} is {kind_of(found.st_mode)}")
            opened = os.open(_encoded(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            with open(opened, "rb") as file:
                data = file.read()
        except OSError as error:
            raise EnvironmentFault(f"{self.root / path}: cannot be read: {error.strerror}") from error
        mode = EXECUTABLE if found.st_mode & stat.S_IXUSR else REGULAR
        return FileState(data=data, mode=mode, permissions=stat.S_IMODE(found.st_mode) & 0o777)

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; nothing where it is not there."""
        descriptor = self.directory(path)
        return [] if descriptor is None else sorted(map(os.fsdecode, os.listdir(descriptor)))

    def make_directory(self, path: str) -> None:
        """Make a directory whose parent is there; one that is there already is fine."""
        parent, name = split(path)
        descriptor = self.directory(parent)
        if descriptor is None:
            raise EnvironmentFault(f"{self.root / path}: its directory has gone away")
        try:
            os.mkdir(_encoded(name), dir_fd=descriptor)
        except FileExistsError:
            self.directory(path)

    def remove_directory(self, path: str) -> bool:
        """Take a directory away if it is empty; whether it is gone."""
        self.forget()
        parent, name = split(path)
        try:
            descriptor = self.directory(parent)
        except UnsafePath:
            return True
        if descriptor is None:
            return True
        try:
            os.rmdir(_encoded(name), dir_fd=descriptor)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def make_file(self, path: str, state: FileState, permissions: int, owner: tuple[int, int] | None) -> int:
        """Write a new file and give its device; permissions count for a regular file only.

        owner: user and group to give it to, as far as one may; None: the runner's.
        """
        parent, name = split(path)
        descriptor = self.directory(parent)
        if descriptor is None:
            raise EnvironmentFault(f"{self.root / path}: its directory has gone away")
        if state.mode == LINK:
            os.symlink(state.data, _encoded(name), dir_fd=descriptor)
            return os.stat(_encoded(name), dir_fd=descriptor, follow_symlinks=False).st_dev
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = os.open(_encoded(name), flags, 0o600, dir_fd=descriptor)
        with open(opened, "wb") as file:
            file.write(state.data)
            file.flush()
            made = os.fstat(opened)
            if owner is not None and owner != (made.st_uid, made.st_gid):
                # As GNU patch: where one may not, the file is the runner's.
                with contextlib.suppress(PermissionError):
                    os.fchown(opened, *owner)
            os.fchmod(opened, permissions)
            return made.st_dev

    def remove(self, path: str) -> None:
        """Take a file or a link away, where there is one."""
        parent, name = split(path)
        descriptor = self.directory(parent)
        if descriptor is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_encoded(name), dir_fd=descriptor)

    def move(self, old: str, new: str) -> None:
        """Rename over what is there. Both must be on one file system."""
        old_parent, old_name = split(old)
        new_parent, new_name = split(new)
        source = self.directory(old_parent)
        assert source is not None
        kept = os.dup(source)
        try:
            target = self.directory(new_parent)
            assert target is not None
            os.rename(_encoded(old_name), _encoded(new_name), src_dir_fd=kept, dst_dir_fd=target)
        finally:
            os.close(kept)

    def sync(self, path: str) -> None:
        """Bring a file or directory to the disk, where there still is one."""
        parent, name = split(path) if path else ("", ".")
        try:
            descriptor = self.directory(parent)
        except UnsafePath:
            return
        if descriptor is None:
            return
        try:
            opened = os.open(_encoded(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        except OSError:
            return  # A link has no content of its own; its directory is synced.
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def split(path: str) -> tuple[str, str]:
    """The directory of a path ("" for the root) and its last component.

    >>> split("net/mptcp/pm.c"), split("Makefile")
    (('net/mptcp', 'pm.c'), ('', 'Makefile'))
    """
    parent, _, name = path.rpartition("/")
    return parent, name


def kind_of(mode: int) -> str:
    """What a file of this kind is called in a message."""
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a directory",
        stat.S_IFREG: "a file",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a block device",
        stat.S_IFCHR: "a character device",
    }
    return kinds.get(stat.S_IFMT(mode), "no regular file")


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
