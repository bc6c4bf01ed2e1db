# SPDX-License-Identifier: MIT
"""A plain directory as a base: the commit it would be, without reading all of it.

A kernel has 72,000 files and a queue looks at a hundred. So a directory is a tree object that is made when someone
looks into it; until then an id stands for it that says only where it is. The owned directories are read whole, for
their ids are compared with those of releases. Files have git's own ids from the start: that is how a pre-image is
recognised. Nothing is written, neither into the directory nor into a repository, and no link is followed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pygit2

from ...errors import BadInput, NoRepository
from ...values.paths import OwnedPaths
from ...values.result import BaseInfo
from ...values.version import KernelVersion
from ..store.objects import TREE, Entry, Objects, Oid, hexed
from .ignored import Ignored
from .rooted import FileState, Rooted, tree_path

__all__ = ["OWN_FILES", "Snapshot", "SnapshotCommit", "SnapshotObjects"]

JOURNAL = ".mptcp-series.journal"
APPLIED = ".mptcp-series.applied"
OWN_FILES = (JOURNAL, APPLIED)
"""What this package writes at the root of a directory besides the files of patches."""

_NOT_OF_THE_TREE = frozenset({".git", *OWN_FILES})


class SnapshotObjects(Objects):
    """Objects of a run, those of plain directories among them."""

    def __init__(self, home: pygit2.Repository, *others: pygit2.Repository) -> None:
        super().__init__(home, *others)
        self._lent: dict[Oid, Callable[[], bytes]] = {}
        self._kept: dict[Oid, bytes] = {}
        self._places: dict[Oid, tuple[Snapshot, str]] = {}

    def read(self, oid: Oid) -> bytes:
        kept = self._kept.get(oid)
        if kept is not None:
            return kept
        lend = self._lent.get(oid)
        if lend is None:
            return super().read(oid)
        data = self._kept[oid] = lend()
        return data

    def lend(self, oid: Oid, content: Callable[[], bytes]) -> None:
        """Have an object whose content is read when someone asks for it."""
        self._lent.setdefault(oid, content)

    def stands_for(self, oid: Oid, snapshot: Snapshot, path: str) -> None:
        """Note which directory an id stands for."""
        self._places[oid] = (snapshot, path)

    def place_of(self, oid: Oid) -> tuple[Snapshot, str] | None:
        """The directory an id stands for; None for a tree that is known by its content."""
        return self._places.get(oid)


class SnapshotCommit:
    """What a run asks of a base's commit. The id says what the directory is, as far as it was read."""

    def __init__(self, objects: SnapshotObjects, tree: Oid, version: str) -> None:
        nobody = b"unknown <unknown> 0 +0000"
        self._raw = b"tree %s\nauthor %s\ncommitter %s\n\nLinux %s\n" % (
            hexed(tree).encode(),
            nobody,
            nobody,
            version.encode(),
        )
        self.tree_id = pygit2.Oid(raw=tree)
        self.id = pygit2.Oid(raw=_named(b"commit", self._raw))
        objects.lend(self.id.raw, self.read_raw)

    def read_raw(self) -> bytes:
        return self._raw


class Snapshot:
    """One directory, as it was when it was first looked at."""

    def __init__(
        self,
        objects: SnapshotObjects,
        place: Path,
        *,
        owned: OwnedPaths,
        touched: Iterable[str] = (),
        name: str | None = None,
    ) -> None:
        """Read the version, and the owned directories.

        name: what whoever named the directory calls it; default: its path.
        touched: paths the queue names; they count as files of the tree even where the tree ignores such files.
        Raises NoRepository for a directory that is no kernel.
        """
        self.place = place
        self._name = str(place) if name is None else name
        self._objects = objects
        self._owned = owned
        self._touched = frozenset(touched)
        self._ignored = Ignored()
        self._seed = b"directory\0" + os.fsencode(place.resolve()) + b"\0"
        with Rooted(place) as rooted:
            makefile = rooted.read("Makefile")
            try:
                self.version = KernelVersion.from_makefile(b"" if makefile is None else makefile.data)
            except BadInput as error:
                raise NoRepository(
                    f"{place}: neither a git repository nor a kernel source directory "
                    f"({'no Makefile' if makefile is None else error})"
                ) from None
        tree = self._stand_in("")
        self.commit = SnapshotCommit(objects, tree, str(self.version))

    @property
    def info(self) -> BaseInfo:
        return BaseInfo(rev=self._name, commit=None, version=str(self.version))

    def state(self, path: str) -> FileState | None:
        """A file as it is now; None where there is none. Raises UnsafePath."""
        with Rooted(self.place) as rooted:
            return rooted.read(tree_path(path))

    def names(self, path: str) -> Sequence[tuple[str, bool]]:
        """What the tree has in a directory, files not read: name, and whether it is a directory."""
        with Rooted(self.place) as rooted:
            return [(name, is_directory) for name, is_directory, _ in self._names(rooted, path, everything=False)]

    def entry(self, path: str) -> Entry | None:
        """A file as a tree has it."""
        with Rooted(self.place) as rooted:
            return self._entry(rooted, path)

    def _stand_in(self, path: str) -> Oid:
        oid = hashlib.sha1(self._seed + path.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
        self._objects.lend(oid, lambda: self._listed(path))
        self._objects.stands_for(oid, self, path)
        return oid

    def _listed(self, path: str) -> bytes:
        with Rooted(self.place) as rooted:
            return self._tree(rooted, path)

    def _tree(self, rooted: Rooted, path: str) -> bytes:
        """The tree object of a directory. Git sorts a directory as if its name ended in a slash."""
        entries: dict[str, Entry] = {}
        whole = self._owned.contains(f"{path}/") if path else False
        for name, is_directory, below in self._names(rooted, path, everything=not whole):
            found = self._directory_entry(rooted, below) if is_directory else self._entry(rooted, below)
            if found is not None:
                entries[name] = found
        order = sorted(entries, key=lambda name: os.fsencode(name) + (b"/" if entries[name].is_tree else b""))
        return b"".join(b"%o %s\0%s" % (entries[name].mode, os.fsencode(name), entries[name].oid) for name in order)

    def _directory_entry(self, rooted: Rooted, path: str) -> Entry | None:
        """A directory: by its content where it is owned, else by where it is."""
        if not self._owned.contains(f"{path}/"):
            return Entry(TREE, self._stand_in(path))
        data = self._tree(rooted, path)
        if not data:
            # Git has no empty directories.
            return None
        oid = _named(b"tree", data)
        self._objects.lend(oid, lambda: data)
        return Entry(TREE, oid)

    def _names(self, rooted: Rooted, path: str, *, everything: bool) -> list[tuple[str, bool, str]]:
        """(name, whether it is a directory, path) of files, links and directories; devices and the like are none.

        everything: those the tree ignores too.
        """
        found = []
        for name in rooted.names(path):
            below = f"{path}/{name}" if path else name
            if name == ".git" or (not path and name in _NOT_OF_THE_TREE):
                continue
            there = rooted.status(below)
            if there is None or not (stat.S_ISREG(there.st_mode) or stat.S_ISLNK(there.st_mode) or _is_dir(there)):
                continue
            if everything or below in self._touched or not self._ignored.holds(rooted, below, directory=_is_dir(there)):
                found.append((name, _is_dir(there), below))
        return found

    def _entry(self, rooted: Rooted, path: str) -> Entry | None:
        found = rooted.read(path)
        if found is None:
            return None
        oid = _named(b"blob", found.data)
        self._objects.lend(oid, lambda: self._content(path, oid))
        return Entry(found.mode, oid)

    def _content(self, path: str, oid: Oid) -> bytes:
        found = self.state(path)
        if found is None or _named(b"blob", found.data) != oid:
            raise BadInput(f"{self.place / path}: changed while it was read; try again")
        return found.data


def _is_dir(there: os.stat_result) -> bool:
    return stat.S_ISDIR(there.st_mode)


def _named(kind: bytes, data: bytes) -> Oid:
    """The id git gives an object."""
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(data), data), usedforsecurity=False).digest()
