# SPDX-License-Identifier: MIT
"""Git objects of a run: read from any of several repositories, written to memory.

A run makes thousands of trees, blobs and commits before anyone knows whether it succeeds. They stay
here until `publish` moves them into a repository as one pack; a run that only checks writes nothing,
and works on a read-only repository.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import pygit2

from ...errors import MissingObject
from ...values.modes import EXECUTABLE, LINK, REGULAR, SUBMODULE, TREE
from .treediff import ENTRY, RawEntry, TreeDiffer

__all__ = ["EXECUTABLE", "LINK", "REGULAR", "SUBMODULE", "TREE", "Entry", "Objects", "Oid", "hexed"]

Oid = bytes
"""An object id: 20 raw bytes."""

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
        # Old trees have files of mode 100664, which git reads as 100644.
        return self.mode >> 12 == REGULAR >> 12


def hexed(oid: Oid) -> str:
    return oid.hex()


RECENT: Final = 64
"""Objects kept: the post-image of a file is most often the pre-image of the next patch to it."""


class Objects:
    """The objects of one run: `home` is the repository results go to, the others are only read."""

    def __init__(self, home: pygit2.Repository, *others: pygit2.Repository) -> None:
        self.home = home
        self._repos = (home, *others)
        self._odbs = [repo.odb for repo in self._repos]
        self._differ = TreeDiffer(self.read)
        self._recent: OrderedDict[Oid, bytes] = OrderedDict()
        self._new: dict[Oid, tuple[int, bytes]] = {}
        self._like: dict[Oid, Oid] = {}
        self._trees: dict[Oid, Mapping[bytes, Entry]] = {}

    def read(self, oid: Oid) -> bytes:
        """Content of an object. Raises MissingObject, which says how to get it."""
        made = self._new.get(oid)
        if made is not None:
            return made[1]
        recent = self._recent.get(oid)
        if recent is not None:
            return recent
        name = pygit2.Oid(raw=oid)
        for odb in self._odbs:
            try:
                data = odb.read(name)[1]
            except KeyError:
                continue
            if self._odbs[0] is not odb:
                # A miss makes libgit2 look for new packs; the next object is most likely where this one was.
                self._odbs.remove(odb)
                self._odbs.insert(0, odb)
            self._recent[oid] = data
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
            return data
        raise MissingObject(
            f"object {hexed(oid)} is missing from {self.home.path}"
            + (" and the source" if len(self._odbs) > 1 else "")
            + "; in a clone without blobs bring it with `mptcp-series fetch`, or with "
            f"`git fetch origin {hexed(oid)}`"
        )

    def has(self, oid: Oid) -> bool:
        """Whether some repository has an object, or this run made it; its content is not read."""
        name = pygit2.Oid(raw=oid)
        return oid in self._new or any(odb.exists(name) for odb in self._odbs)

    def expand(self, prefix: str) -> Oid | None:
        """The id a prefix of 7 to 40 hex digits stands for; None where no repository has exactly one."""
        for repo in self._repos:
            try:
                found = repo.expand_id(prefix)
                # A full id is expanded to itself, whether the repository has it or not.
                if found in repo.odb:
                    return found.raw
            except (KeyError, ValueError, pygit2.GitError):
                continue
        return None

    def tree(self, oid: Oid) -> Mapping[bytes, Entry]:
        """The entries of a tree object by name; one parse an id."""
        entries = self._trees.get(oid)
        if entries is None:
            entries = self._trees[oid] = dict(_parse_tree(self.read(oid)))
        return entries

    def entries(self, tree: Oid) -> frozenset[RawEntry]:
        """The (mode, name, id) of a tree's entries, to be compared with another's as sets."""
        return frozenset(ENTRY.findall(self.read(tree)))

    def differing(self, before: Oid | None, after: Oid | None) -> dict[bytes, tuple[Entry | None, Entry | None]]:
        """By name, the entries of two trees that are not the same in both; None stands for an empty tree."""
        if before is None or after is None:
            old = [] if before is None else ENTRY.findall(self.read(before))
            new = [] if after is None else ENTRY.findall(self.read(after))
        else:
            old, new = self._differ.compare(before, after)
        found: dict[bytes, tuple[Entry | None, Entry | None]] = {
            name: (_entry(mode, oid), None) for mode, name, oid in old
        }
        for mode, name, oid in new:
            left = found.get(name)
            found[name] = (None if left is None else left[0], _entry(mode, oid))
        return found

    def peek(self, tree: Oid, name: bytes) -> Entry | None:
        """One entry of a tree that is not worth keeping in memory."""
        return next((entry for _, entry in self.select(tree, (name,))), None)

    def select(self, tree: Oid, names: Iterable[bytes]) -> list[tuple[bytes, Entry]]:
        """Some entries of a tree that is not worth keeping in memory."""
        known = self._trees.get(tree)
        if known is not None:
            return [(name, known[name]) for name in names if name in known]
        data = self.read(tree)
        found = []
        for name in names:
            text = b" %s\0" % name
            at = data.find(text)
            while at >= 0:
                mode = _mode_before(data, at)
                if mode is not None:
                    end = at + len(text)
                    found.append((name, Entry(mode, data[end : end + 20])))
                    break
                at = data.find(text, at + 1)
        return found

    def like(self, oid: Oid) -> Oid | None:
        """The object a new one is mostly the same as, where its maker said so."""
        return self._like.get(oid)

    def write(self, kind: str, data: bytes, *, like: Oid | None = None) -> Oid:
        """Keep an object and give its id. `like` names an older one that is mostly the same."""
        oid = hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data), usedforsecurity=False).digest()
        if oid not in self._new:
            self._new[oid] = (_KINDS[kind], data)
            if like is not None:
                self._like[oid] = like
        return oid

    def made(self) -> Mapping[Oid, tuple[int, bytes]]:
        """All that this run wrote: object type and content by id."""
        return self._new

    def borrowed(self, blobs: Iterable[Oid]) -> list[Oid]:
        """Those of `blobs` that only another repository than home has: a result must bring them along."""
        home = self.home.odb
        return [oid for oid in blobs if oid not in self._new and not home.exists(pygit2.Oid(raw=oid))]


def _mode_before(data: bytes, at: int) -> int | None:
    """The mode that ends at `at` in a tree object, None where no entry begins there.

    An entry follows a NUL and the 20 bytes of the id before it, the last of which may look like a digit.
    """
    for width in (6, 5):
        start = at - width
        if (start == 0 or (start > 20 and data[start - 21] == 0)) and data[start:at].isdigit():
            return int(data[start:at], 8)
    return None


def _parse_tree(data: bytes) -> Iterable[tuple[bytes, Entry]]:
    return [(name, _entry(mode, oid)) for mode, name, oid in ENTRY.findall(data)]


def _entry(mode: bytes, oid: Oid) -> Entry:
    return Entry(_MODES.get(mode) or int(mode, 8), oid)


_MODES: Final = {b"%o" % mode: mode for mode in (TREE, REGULAR, EXECUTABLE, LINK, SUBMODULE)}
