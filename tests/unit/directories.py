# SPDX-License-Identifier: MIT
"""Source directories without git, made of the trees of small repositories."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pygit2

__all__ = ["contents", "unpack"]


def unpack(repo: Path, rev: str, place: Path) -> Path:
    """The files of a revision, as an archive of it has them."""

    def write(tree: pygit2.Tree, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for entry in tree:
            assert entry.name is not None
            path = directory / entry.name
            if isinstance(entry, pygit2.Tree):
                write(entry, path)
            elif entry.filemode == pygit2.enums.FileMode.LINK:
                assert isinstance(entry, pygit2.Blob)
                path.symlink_to(entry.data.decode())
            else:
                assert isinstance(entry, pygit2.Blob)
                path.write_bytes(entry.data)
                path.chmod(0o755 if entry.filemode == pygit2.enums.FileMode.BLOB_EXECUTABLE else 0o644)

    write(pygit2.Repository(str(repo)).revparse_single(rev).peel(pygit2.Tree), place)
    return place


def contents(place: Path) -> Mapping[str, tuple[int, bytes]]:
    """Every file below a directory that is not of our own making: mode as git has it, and bytes."""
    found = {}
    for directory, _, names in os.walk(place):
        for name in names:
            path = os.path.join(directory, name)
            below = os.path.relpath(path, place)
            if below.startswith(".mptcp-series."):
                continue
            if os.path.islink(path):
                found[below] = (0o120000, os.fsencode(os.readlink(path)))
            else:
                mode = 0o100755 if os.stat(path).st_mode & stat.S_IXUSR else 0o100644
                found[below] = (mode, Path(path).read_bytes())
    return found
