# SPDX-License-Identifier: MIT
"""The tree that is checked: a revision, or a plain directory, and where it differs from the expected one.

Of a revision only subtrees that differ are read. Of a directory every file is read and hashed as git would store it:
there is no other way to know that nothing else was changed.

A directory has files that no tree has. `.git` at its top is left out, and what the caller names; both are counted and
told. A pattern never hides a file that the expected tree has, nor one that the queue took away. Empty directories are
none to git, and none here.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pathspec

from ...errors import BadInput, UnknownRevision
from ...values.paths import OwnedPaths
from ...values.verification import Ignored
from ..directory.snapshot import SnapshotObjects
from ..replay.change import BlobChange, tree_changes
from ..store.objects import EXECUTABLE, LINK, REGULAR, SUBMODULE, TREE, Entry, Objects, Oid, hexed
from ..store.repository import commit_tree, resolve_commit
from ..store.tree import TreeEditor, path_text

__all__ = ["Actual", "read_actual", "true_tree"]

_CHUNK = 1 << 20
_THREADS = 4
"""To read and to hash lets other threads go on; most of the time is spent on opening files."""
_BATCH = 256
"""Files a thread takes at once: a kernel has 72,000, and most are small."""


@attrs.frozen(kw_only=True, eq=False)
class Actual:
    """A tree, told by its differences from another one."""

    place: str
    commit: str | None
    changes: tuple[BlobChange, ...]
    """From the expected entry to the one there is, sorted by path."""
    ignored: tuple[Ignored, ...] = ()
    _expected: Oid = attrs.field(alias="expected", repr=False)

    def tree(self, objects: Objects) -> Oid:
        """The tree, what is ignored left out; among the objects of the run, as far as it differs."""
        editor = TreeEditor(objects, self._expected)
        gone = [change for change in self.changes if change.new is None]
        for change in (*gone, *(change for change in self.changes if change.new is not None)):
            editor.put(change.path, change.new)
        return editor.write()


def true_tree(objects: Objects, tree: Oid) -> str:
    """The id git gives a tree. Directories of a plain base are read late, and have stand-ins until then."""
    if not isinstance(objects, SnapshotObjects):
        return hexed(tree)

    def true(oid: Oid) -> Oid:
        entries = [
            (name, Entry(entry.mode, true(entry.oid)) if entry.is_tree else entry)
            for name, entry in objects.tree(oid).items()
        ]
        entries.sort(key=lambda one: one[0] + b"/" if one[1].is_tree else one[0])
        data = b"".join(b"%o %s\0%s" % (entry.mode, name, entry.oid) for name, entry in entries)
        return hashlib.sha1(b"tree %d\0%s" % (len(data), data), usedforsecurity=False).digest()

    return hexed(true(tree))


def read_actual(
    objects: Objects,
    place: str | Path,
    expected: Oid,
    owned: OwnedPaths,
    *,
    ignore: Sequence[str] = (),
    touched: Collection[str] = (),
) -> Actual:
    """Read what is checked: a directory, else a revision of the repository the objects are from.

    ignore: patterns, as a .gitignore has them, of files that are no part of the result.
    touched: paths of the queue, which are part of it whatever the patterns say: one it took away may be there still.
    Raises BadInput for a name that is both, for a directory that holds no kernel or holds devices, UnknownRevision
    for a name that is neither.
    """
    directory = Path(place)
    if directory.is_dir():
        if os.sep not in str(place) and _is_revision(objects, str(place)):
            raise BadInput(f"{place} is a directory and a revision; say ./{place} or refs/heads/{place}")
        if not (directory / "Makefile").is_file():
            raise BadInput(f"{place} is no kernel: it has no Makefile")
        return _Directory(objects=objects, root=directory, owned=owned, left_out=_LeftOut(ignore, touched)).read(
            str(place), expected
        )
    try:
        commit = resolve_commit(objects.home, str(place))
    except UnknownRevision as error:
        raise UnknownRevision(f"{place} is no directory, and no revision either: {error}") from error
    left_out = _LeftOut(ignore, touched)
    changes = tree_changes(objects, expected, commit_tree(commit), renames=False)
    kept = [change for change in changes if change.old is not None or not left_out.has(change.path)]
    return Actual(
        place=str(place),
        commit=str(commit.id),
        changes=tuple(kept),
        ignored=left_out.told(),
        expected=expected,
    )


def _is_revision(objects: Objects, text: str) -> bool:
    try:
        resolve_commit(objects.home, text)
    except BadInput:
        return False
    return True


class _LeftOut:
    """Patterns of what is no part of a result, and how many files each left out."""

    def __init__(self, patterns: Sequence[str], never: Collection[str]) -> None:
        self._patterns = patterns
        self._never = never
        self._counts: Counter[str] = Counter()
        try:
            self._spec = pathspec.GitIgnoreSpec.from_lines(patterns)
        except ValueError as error:
            raise BadInput(f"cannot read a pattern of what to ignore: {error}") from error

    def has(self, path: str) -> bool:
        """Whether a file the expected tree does not have is left out; it is counted then."""
        if path in self._never:
            return False
        verdict = self._spec.check_file(path)
        if verdict.include and verdict.index is not None:
            self.count(self._patterns[verdict.index])
        return bool(verdict.include)

    def count(self, pattern: str) -> None:
        self._counts[pattern] += 1

    def told(self) -> tuple[Ignored, ...]:
        """Every pattern, those that left nothing out as well."""
        names = dict.fromkeys((*self._counts, *self._patterns))
        return tuple(Ignored(pattern=name, files=self._counts[name]) for name in sorted(names))


@attrs.frozen
class _File:
    """A file of the directory that has to be read."""

    place: bytes
    path: str
    mode: int
    expected: Entry | None


@attrs.define(kw_only=True, eq=False)
class _Directory:
    """One directory, walked beside the expected tree."""

    objects: Objects
    root: Path
    owned: OwnedPaths
    left_out: _LeftOut
    _files: list[_File] = attrs.field(init=False, factory=list)
    _changes: list[BlobChange] = attrs.field(init=False, factory=list)

    def read(self, place: str, expected: Oid) -> Actual:
        self._walk(os.fsencode(self.root), b"", expected)
        batches = [self._files[at : at + _BATCH] for at in range(0, len(self._files), _BATCH)]
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch, ids in zip(batches, pool.map(_hashes, batches), strict=True):
                for file, oid in zip(batch, ids, strict=True):
                    self._compare(file, oid)
        return Actual(
            place=place,
            commit=None,
            changes=tuple(sorted(self._changes, key=lambda change: change.path)),
            ignored=self.left_out.told(),
            expected=expected,
        )

    def _walk(self, place: bytes, prefix: bytes, tree: Oid | None) -> None:
        """Note what has to be read below a directory, and what is missing there."""
        wanted = dict(self.objects.tree(tree)) if tree is not None else {}
        with os.scandir(place) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            expected = wanted.pop(entry.name, None)
            path = prefix + entry.name
            if path == b".git":
                self.left_out.count(".git")
            elif expected is not None and expected.mode == SUBMODULE:
                self.left_out.count(f"{path_text(path)} (a submodule)")
            elif entry.is_dir(follow_symlinks=False):
                below = expected is not None and expected.mode == TREE
                if expected is not None and not below:
                    self._gone(path, expected)
                self._walk(entry.path, path + b"/", expected.oid if expected is not None and below else None)
            else:
                if expected is not None and expected.mode == TREE:
                    self._gone(path, expected)
                    expected = None
                self._file(entry, path_text(path), expected)
        for name, missing in wanted.items():
            self._gone(prefix + name, missing)

    def _file(self, entry: os.DirEntry[bytes], path: str, expected: Entry | None) -> None:
        if expected is None and self.left_out.has(path):
            return
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            mode = LINK
        elif stat.S_ISREG(status.st_mode):
            # Git's own rule: what its owner may execute.
            mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else REGULAR
        else:
            raise BadInput(f"{self.root / path} is neither a file nor a link; take it away, or have it ignored")
        self._files.append(_File(entry.path, path, mode, expected))

    def _gone(self, path: bytes, expected: Entry) -> None:
        """A file, or all files of a directory, that should be there."""
        if expected.is_tree:
            for name, below in self.objects.tree(expected.oid).items():
                self._gone(path + b"/" + name, below)
        elif expected.mode != SUBMODULE:
            text = path_text(path)
            self._changes.append(BlobChange(path=text, old_path=text, old=expected, new=None))

    def _compare(self, file: _File, oid: Oid) -> None:
        expected = file.expected
        if expected is not None and oid == expected.oid and _same_mode(expected.mode, file.mode):
            return
        owned = self.owned.contains(file.path) or self.owned.contains(f"{file.path}/")
        if owned or (expected is not None and oid != expected.oid):
            # Its lines will be asked for.
            oid = self.objects.write("blob", _content(file))
        self._changes.append(BlobChange(path=file.path, old_path=file.path, old=expected, new=Entry(file.mode, oid)))


def _same_mode(one: int, other: int) -> bool:
    """Whether two modes are one to git: of a regular file it minds the owner's right to execute, and no other."""
    return one >> 12 == other >> 12 and (one & 0o100) == (other & 0o100)


def _content(file: _File) -> bytes:
    if file.mode == LINK:
        return os.readlink(file.place)
    with open(file.place, "rb") as opened:
        return opened.read()


def _hashes(files: Sequence[_File]) -> list[Oid]:
    """The ids git gives the contents of some files."""
    return [_hashed(file) for file in files]


def _hashed(file: _File) -> Oid:
    if file.mode == LINK:
        data = os.readlink(file.place)
        return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).digest()
    opened = os.open(file.place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        digest = hashlib.sha1(b"blob %d\0" % os.fstat(opened).st_size, usedforsecurity=False)
        while chunk := os.read(opened, _CHUNK):
            digest.update(chunk)
    finally:
        os.close(opened)
    return digest.digest()
