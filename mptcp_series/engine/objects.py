# SPDX-License-Identifier: MIT
"""Git objects of a run: read from any of several repositories, written to memory.

A run makes thousands of trees, blobs and commits before anyone knows whether it succeeds. They stay
here until `publish` moves them into a repository as one pack; a run that only checks writes nothing,
and works on a read-only repository.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import pygit2

from ..errors import MissingObject

__all__ = ["EXECUTABLE", "LINK", "REGULAR", "SUBMODULE", "TREE", "Entry", "Objects", "Oid", "hexed"]

Oid = bytes
"""An object id: 20 raw bytes."""

TREE: Final = 0o040000
REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755
LINK: Final = 0o120000
SUBMODULE: Final = 0o160000

_KINDS: Final = {"commit": 1, "tree": 2, "blob": 3}


class Entry(NamedTuple):
    """What a tree has under a name: a file mode and an object id. A tuple: a run makes 100,000 of them."""

    mode: int
    oid: Oid

    @property
    def is_tree(self) -> bool:
        return self.mode == TREE

    @property
    def is_text(self) -> bool:
        """Whether its content can be merged line by line, as far as the mode tells."""
        return self.mode in (REGULAR, EXECUTABLE)


def hexed(oid: Oid) -> str:
    return oid.hex()


class Objects:
    """The objects of one run: `home` is the repository results go to, the others are only read."""

    def __init__(self, home: pygit2.Repository, *others: pygit2.Repository) -> None:
        self.home = home
        self._repos = (home, *others)
        self._odbs = [repo.odb for repo in self._repos]
        self._new: dict[Oid, tuple[int, bytes]] = {}
        self._trees: dict[Oid, Mapping[bytes, Entry]] = {}

    def read(self, oid: Oid) -> bytes:
        """Content of an object. Raises MissingObject, which says how to get it."""
        made = self._new.get(oid)
        if made is not None:
            return made[1]
        name = pygit2.Oid(raw=oid)
        for odb in self._odbs:
            try:
                return odb.read(name)[1]
            except KeyError:
                continue
        raise MissingObject(
            f"object {hexed(oid)} is missing from {self.home.path}"
            + (" and the source" if len(self._odbs) > 1 else "")
            + "; in a clone without blobs bring it with `mptcp-series fetch`, or with "
            f"`git fetch origin {hexed(oid)}`"
        )

    def expand(self, prefix: str) -> Oid | None:
        """The id a prefix of 7 to 40 hex digits stands for; None where no repository has exactly one."""
        for repo in self._repos:
            try:
                return repo.expand_id(prefix).raw
            except (KeyError, ValueError, pygit2.GitError):
                continue
        return None

    def tree(self, oid: Oid) -> Mapping[bytes, Entry]:
        """The entries of a tree object by name; one parse an id."""
        entries = self._trees.get(oid)
        if entries is None:
            entries = self._trees[oid] = dict(_parse_tree(self.read(oid)))
        return entries

    def peek(self, tree: Oid, name: bytes) -> Entry | None:
        """One entry of a tree that is not worth keeping in memory."""
        known = self._trees.get(tree)
        if known is not None:
            return known.get(name)
        return next((entry for found, entry in _parse_tree(self.read(tree)) if found == name), None)

    def write(self, kind: str, data: bytes) -> Oid:
        """Keep an object and give its id."""
        oid = hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data), usedforsecurity=False).digest()
        self._new.setdefault(oid, (_KINDS[kind], data))
        return oid

    def write_tree(self, entries: Mapping[bytes, Entry]) -> Oid:
        """Keep a tree. Git sorts a directory as if its name ended in a slash."""
        ordered = sorted(entries.items(), key=lambda item: item[0] + b"/" if item[1].mode == TREE else item[0])
        oid = self.write("tree", b"".join([b"%o %s\0%s" % (e.mode, name, e.oid) for name, e in ordered]))
        self._trees.setdefault(oid, dict(entries))
        return oid

    def made(self) -> Mapping[Oid, tuple[int, bytes]]:
        """All that this run wrote: object type and content by id."""
        return self._new

    def borrowed(self, blobs: Iterable[Oid]) -> list[Oid]:
        """Those of `blobs` that only another repository than home has: a result must bring them along."""
        home = self._odbs[0]
        return [oid for oid in blobs if oid not in self._new and not home.exists(pygit2.Oid(raw=oid))]


_TREE_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)


def _parse_tree(data: bytes) -> Iterable[tuple[bytes, Entry]]:
    return [(name, Entry(_MODES.get(mode) or int(mode, 8), oid)) for mode, name, oid in _TREE_ENTRY.findall(data)]


_MODES: Final = {b"%o" % mode: mode for mode in (TREE, REGULAR, EXECUTABLE, LINK, SUBMODULE)}
