# SPDX-License-Identifier: MIT
"""Paths inside a tree, and which of them belong to the stack.

Patches, overrides and recipes are other people's text and name files to write; every such name
passes `check_tree_path` first. It refuses what leaves the tree (absolute, `..`), what has two spellings
(empty and `.` components), what reaches into a repository (`.git`, and the spellings git itself
guards against), NUL, and backslashes, which are separators or escapes elsewhere and occur in no kernel path.
Symbolic links are not seen here: only the tree knows them.

A path is `str`, decoded from the bytes of the tree as UTF-8 with `surrogateescape`, so every byte survives.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import attrs

from ..errors import Problem, UnsafePath

__all__ = ["OwnedPaths", "check_tree_path"]

# Code points HFS+ ignores in names, from git's utf8.c (next_hfs_char).
_HFS_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF],
)


def _is_dot_git(component: str) -> bool:
    """Whether some file system git supports would open `.git` by this name (git: is_hfs_dotgit, is_ntfs_dotgit)."""
    name = component.translate(_HFS_IGNORED).partition(":")[0].rstrip(". ").lower()
    return name in (".git", "git~1")


@lru_cache(maxsize=4096)
def check_tree_path(path: str) -> str | None:
    """What is wrong with a path that should name a file inside a tree, to follow "path 'x': "; None if nothing is.

    >>> check_tree_path("net/mptcp/protocol.c")
    >>> check_tree_path("../etc/passwd")
    "leaves the tree by '..'"
    """
    if not path:
        return "is empty"
    if "\0" in path:
        return "holds a NUL"
    if "\\" in path:
        return "holds a backslash"
    if path.startswith("/"):
        return "is absolute"
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "cannot be turned into bytes"
    for component in path.split("/"):
        if not component:
            return "has an empty component"
        if component == ".":
            return "has a '.' component"
        if component == "..":
            return "leaves the tree by '..'"
        if _is_dot_git(component):
            return f"reaches into a repository by {component!r}"
    return None


def _patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(patterns)


@attrs.frozen(kw_only=True)
class OwnedPaths:
    """The files that belong to the stack: `net/mptcp/` is everything below, `include/net/mptcp.h` one file.

    Raises UnsafePath, naming every bad pattern, where one is no path of a tree.

    >>> owned = OwnedPaths(patterns=["net/mptcp/", "include/net/mptcp.h"])
    >>> owned.contains("net/mptcp/pm.c"), owned.contains("net/mptcp.c")
    (True, False)
    """

    patterns: tuple[str, ...] = attrs.field(converter=_patterns)
    _files: frozenset[str] = attrs.field(init=False, eq=False, repr=False)
    _directories: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        checked = ((pattern, check_tree_path(pattern.removesuffix("/") or pattern)) for pattern in self.patterns)
        problems = [Problem(message=f"unsafe path {pattern!r}: {trouble}") for pattern, trouble in checked if trouble]
        if problems:
            raise UnsafePath(problems)
        object.__setattr__(self, "_files", frozenset(p for p in self.patterns if not p.endswith("/")))
        object.__setattr__(self, "_directories", tuple(p for p in self.patterns if p.endswith("/")))

    def contains(self, path: str) -> bool:
        """Whether the path is one of the files or lies below one of the directories."""
        return path in self._files or path.startswith(self._directories)
