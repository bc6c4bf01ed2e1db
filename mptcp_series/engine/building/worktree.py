# SPDX-License-Identifier: MIT
"""Writes a tree as files, from the git objects straight: no checkout, no index, no process.

make decides by times, so a file that is right is not touched. From one tree to another only what differs is written.
What a killed run left half written is looked at file by file. Nothing that somebody changed by hand is written over:
it is told from what we wrote by its time of change (ctime), which no program can set.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...errors import BadInput, EnvironmentFault, MissingObject
from ..directory.rooted import EXECUTABLE, LINK, FileState, Rooted, tree_path
from ..replay.change import tree_changes
from ..store.objects import SUBMODULE, Entry, Objects, Oid, hexed
from ..store.tree import path_bytes, path_text

__all__ = ["SourceTree", "absent_files", "tree_files"]

Progress = Callable[[int, int], None]
"""Called with how many files are written and how many there are."""

_SHOWN = 3
_TOLD = 20


def tree_files(objects: Objects, tree: Oid) -> dict[str, Entry]:
    """Every file and link of a tree by path, submodules left out. Raises UnsafePath for a path no file may have."""
    return dict(_files(objects, tree, b""))


def _files(objects: Objects, tree: Oid, prefix: bytes) -> Iterator[tuple[str, Entry]]:
    for name, entry in objects.tree(tree).items():
        path = prefix + name
        if entry.is_tree:
            yield from _files(objects, entry.oid, path + b"/")
        elif entry.mode != SUBMODULE:
            yield tree_path(path), entry


def absent_files(
    objects: Objects, files: Mapping[str, Entry], without: Sequence[str], touched: Iterable[str]
) -> set[str]:
    """Files whose content is in no repository, and that may be left out.

    without: globs, as of a shell, a `*` of which goes across directories; a file that is absent and fits one is left
    out. touched: paths of the series, which may not be.

    Raises MissingObject with every other absent file, BadInput for a glob that would leave out a file of the series.
    """
    absent = sorted(path for path, entry in files.items() if not objects.has(entry.oid))
    left_out = {path for path in absent if any(fnmatch.fnmatchcase(path, glob) for glob in without)}
    if needed := sorted(left_out & set(touched)):
        raise BadInput(f"{needed[0]}: the series changes this file, so it cannot be left out; its content is missing")
    missing = [path for path in absent if path not in left_out]
    if missing:
        shown = "\n".join(f"{path}: object {hexed(files[path].oid)} is missing" for path in missing[:_TOLD])
        shown += f"\nand {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
        where = os.path.commonpath([*missing, missing[0]]) if len(missing) > 1 else missing[0]
        glob = f"{where}/*" if len(missing) > 1 and where not in missing else where
        raise MissingObject(
            f"{shown}\n{len(missing)} files of the tree have no content in {objects.home.path}; bring it with "
            f"`git fetch`, or leave out what the build does not need: --without '{glob or '*'}'"
        )
    return left_out


class SourceTree:
    """The files of a tree below a directory that is ours."""

    def __init__(self, objects: Objects, root: Path) -> None:
        self.objects = objects
        self.root = root

    def write(
        self,
        tree: Oid,
        leave_out: Iterable[str] = (),
        *,
        before: Oid | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Make the directory hold a tree, whatever of ours it holds; how many files were written.

        Every file is looked at, and one that is right already keeps its times. For a directory that is new, or was
        left half written, on the way from the tree `before`.

        Raises BadInput where it holds a file of neither tree.
        """
        self._make()
        out = set(leave_out)
        files = {path: entry for path, entry in tree_files(self.objects, tree).items() if path not in out}
        with Rooted(self.root) as rooted:
            present = set(_walk(self.root))
            extra = present - files.keys()
            ours = set() if before is None else tree_files(self.objects, before).keys()
            if foreign := sorted(extra - ours - out):
                raise BadInput(f"{self.root}: {foreign[0]} is no file of the tree; take it away")
            self._remove(rooted, sorted(extra, reverse=True))
            wrong = [
                path for path in sorted(files) if path not in present or not self._is_right(rooted, path, files[path])
            ]
            self._write(rooted, wrong, files, progress)
        return len(wrong)

    def move(
        self, before: Oid, after: Oid, leave_out: Iterable[str] = (), progress: Progress | None = None
    ) -> list[str]:
        """From one tree to another; the paths that were written or removed, sorted."""
        out = set(leave_out)
        changes = tree_changes(self.objects, before, after, renames=False)
        changes = [change for change in changes if change.path not in out]
        new = {
            change.path: change.new
            for change in changes
            if change.new is not None and change.new.mode != SUBMODULE and tree_path(change.path)
        }
        with Rooted(self.root) as rooted:
            # What goes makes way first: a file may become a directory, or the other way round.
            self._remove(rooted, sorted((change.path for change in changes if change.path not in new), reverse=True))
            self._write(rooted, sorted(new), new, progress)
        return sorted(change.path for change in changes)

    def altered(self, tree: Oid, stamp: int, leave_out: Iterable[str] = ()) -> list[str]:
        """Files that are not as we wrote them: changed, or none of the tree's. One that is gone is not among them."""
        out = set(leave_out)
        files = {path: entry for path, entry in tree_files(self.objects, tree).items() if path not in out}
        found = []
        with Rooted(self.root) as rooted:
            for path, changed in _walk(self.root).items():
                entry = files.get(path)
                if entry is None or (changed > stamp and not self._is_right(rooted, path, entry)):
                    found.append(path)
        return sorted(found)

    def refuse_altered(self, tree: Oid, stamp: int, leave_out: Iterable[str] = ()) -> None:
        """Raises BadInput where somebody changed a file by hand."""
        altered = self.altered(tree, stamp, leave_out)
        if altered:
            more = f" and {len(altered) - _SHOWN} more" if len(altered) > _SHOWN else ""
            raise BadInput(
                f"{self.root}: {', '.join(altered[:_SHOWN])}{more}: not as build wrote it; keep what you need of it "
                "(as an override, so that the queue has it) and delete the file: the next build writes it anew"
            )

    def missing(self, tree: Oid, leave_out: Iterable[str] = ()) -> list[str]:
        """Files of the tree that are not there any more, sorted."""
        return sorted(tree_files(self.objects, tree).keys() - _walk(self.root).keys() - set(leave_out))

    def rewrite(self, tree: Oid, paths: Sequence[str]) -> None:
        """Write some files of a tree anew."""
        files = tree_files(self.objects, tree)
        with Rooted(self.root) as rooted:
            self._write(rooted, paths, files, None)

    def share(self, other: SourceTree, theirs: Oid, ours: Oid) -> int:
        """Begin a directory with another one's files, where the two trees agree; how many were shared.

        Files are linked, so they cost no space; nothing here is ever written in place.
        """
        self._make()
        shared = tree_files(self.objects, ours).items() & tree_files(other.objects, theirs).items()
        count = 0
        for path, _ in sorted(shared):
            target = self._place(path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                os.link(other._place(path), target, follow_symlinks=False)
            except FileExistsError:
                continue
            except OSError:
                # Another file system, or one without links: what is not shared is written.
                return count
            count += 1
        return count

    def stamp(self) -> int:
        """The time of the file system now (ns): what we wrote was changed before."""
        probe = self.root.parent / f".{self.root.name}.stamp"
        try:
            probe.unlink(missing_ok=True)
            probe.touch()
            found = probe.stat().st_ctime_ns
            probe.unlink()
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self.root.parent}: {error.strerror}") from error
        return found

    def _place(self, path: str) -> bytes:
        return os.path.join(os.fsencode(self.root), path_bytes(path))

    def _make(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self.root}: {error.strerror}") from error

    def _is_right(self, rooted: Rooted, path: str, entry: Entry) -> bool:
        found = rooted.status(path)
        if found is None or stat.S_ISLNK(found.st_mode) != (entry.mode == LINK):
            return False
        executable = bool(found.st_mode & stat.S_IXUSR)
        if entry.mode != LINK and (not stat.S_ISREG(found.st_mode) or executable != (entry.mode == EXECUTABLE)):
            return False
        state = rooted.read(path)
        if state is None:
            return False
        data = state.data
        return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).digest() == entry.oid

    def _remove(self, rooted: Rooted, paths: Sequence[str]) -> None:
        for path in paths:
            rooted.remove(path)
            parent = path.rpartition("/")[0]
            while parent and rooted.remove_directory(parent):
                parent = parent.rpartition("/")[0]

    def _write(
        self, rooted: Rooted, paths: Sequence[str], files: Mapping[str, Entry], progress: Progress | None
    ) -> None:
        made: set[str] = {""}
        for done, path in enumerate(paths):
            entry = files[path]
            parent = path.rpartition("/")[0]
            if parent not in made:
                self._make_parents(rooted, parent, made)
            if rooted.status(path) is not None:
                rooted.remove(path)
            data = self.objects.read(entry.oid)
            mode = entry.mode if entry.mode in (EXECUTABLE, LINK) else FileState(data=b"").mode
            state = FileState(data=data, mode=mode)
            try:
                rooted.make_file(path, state, 0o755 if mode == EXECUTABLE else 0o644, None)
                if mode != LINK:
                    # The clock of the file system may lag behind by a tick: an object of the same tick would look
                    # as if it were made of this.
                    now = time.time_ns()
                    os.utime(self._place(path), ns=(now, now), follow_symlinks=False)
            except OSError as error:
                raise EnvironmentFault(f"cannot write {self.root / path}: {error.strerror}") from error
            if progress is not None and (done % 500 == 0 or done + 1 == len(paths)):
                progress(done + 1, len(paths))

    def _make_parents(self, rooted: Rooted, parent: str, made: set[str]) -> None:
        parts = parent.split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if path in made:
                continue
            found = rooted.status(path)
            if found is not None and not stat.S_ISDIR(found.st_mode):
                rooted.remove(path)
            rooted.make_directory(path)
            made.add(path)


def _walk(root: Path) -> dict[str, int]:
    """Everything below a directory that is no directory, by path, with its time of change (ns)."""
    found: dict[str, int] = {}
    waiting = [(os.fsencode(root), b"")]
    while waiting:
        place, prefix = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, prefix + entry.name + b"/"))
                else:
                    found[path_text(prefix + entry.name)] = entry.stat(follow_symlinks=False).st_ctime_ns
    return found
