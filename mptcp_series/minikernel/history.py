# SPDX-License-Identifier: MIT
"""A small language to write git histories with: states, commits, merges, tags.

Histories of a few dozen commits are needed in a bare repository, the same to the last bit on every machine. So
nothing here starts a process, needs a worktree or an index file, or looks at anybody's git configuration: names and
dates come with every call, and trees are put together with TreeBuilder. References are written last, by `publish`.

A history that does not fit together (an unknown branch, a date that runs backwards, a merge that conflicts) is
refused with `ValueError`: it is a mistake of whoever wrote the history, not input of a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs
import pygit2
from pygit2.enums import FileMode, MergeFlag

__all__ = ["COMMITTER", "Changes", "FileEntry", "Files", "HistoryBuilder", "Identity", "merge_file"]

BLOB_MODES = frozenset({int(FileMode.BLOB), int(FileMode.BLOB_EXECUTABLE), int(FileMode.LINK)})


@attrs.frozen(kw_only=True)
class Identity:
    """Who wrote or committed something."""

    name: str
    email: str

    def at(self, time: int) -> pygit2.Signature:
        """This person at `time` (seconds since the epoch, always UTC)."""
        return pygit2.Signature(self.name, self.email, time, 0, "utf-8")


COMMITTER = Identity(name="Mini Kernel", email="mini-kernel@example.org")


@attrs.frozen(kw_only=True)
class FileEntry:
    """One file of a state: its mode and its bytes (of a symbolic link: its target)."""

    mode: int = attrs.field(default=int(FileMode.BLOB), validator=attrs.validators.in_(BLOB_MODES))
    data: bytes


Files = Mapping[str, FileEntry]
"""A whole state of the tree, by path."""

Changes = Mapping[str, "bytes | FileEntry | None"]
"""What one commit changes, by path: new bytes (the mode stays), None for a deletion, or mode and bytes."""


@attrs.frozen(kw_only=True)
class _Tip:
    """Where a branch stands while its history is written."""

    commit: pygit2.Oid
    files: Files
    time: int


class HistoryBuilder:
    """Writes commits into a bare repository, branch by branch.

    Branches live in memory until `publish` makes references of them; what is not published (a topic branch) leaves
    no reference behind.
    """

    def __init__(self, repo: pygit2.Repository) -> None:
        self._repo = repo
        self._tips: dict[str, _Tip] = {}
        self._states: dict[pygit2.Oid, _Tip] = {}
        self._tags: dict[str, pygit2.Oid] = {}
        self._blobs: dict[bytes, str] = {}
        self._trees: dict[tuple[tuple[str, int, str], ...], pygit2.Oid] = {}

    def files(self, at: str) -> Files:
        """The state at the tip of a branch, or at a tag."""
        return self._at(at).files

    def tags(self) -> Mapping[str, str]:
        """The commit id each tag names, in the order the tags were made."""
        return {name: str(commit) for name, commit in self._tags.items()}

    def fork(self, branch: str, start: str) -> None:
        """Start a branch at the tip of another one, or at a tag."""
        if branch in self._tips:
            raise ValueError(f"branch {branch} exists already")
        self._tips[branch] = self._at(start)

    def commit(self, branch: str, changes: Changes, message: str, author: Identity, time: int) -> str:
        """Write one commit onto a branch (a new branch starts with a root commit) and return its id.

        Raises ValueError when the commit would change nothing, deletes what is not there, or is older than its parent.
        """
        parent = self._tips.get(branch)
        before = parent.files if parent else {}
        after = apply_changes(before, changes)
        if after == before:
            raise ValueError(f"{branch}: {_subject(message)}: changes nothing")
        return self._write(branch, after, message, author, time, [parent] if parent else [])

    def merge(
        self, branch: str, other: str, message: str, author: Identity, time: int, changes: Changes | None = None
    ) -> str:
        """Merge `other` into `branch` and return the id; `changes` on top of the automatic merge make it an evil one.

        Raises ValueError when the automatic merge conflicts, or the branches share no history.
        """
        ours, theirs = self._tip(branch), self._tip(other)
        fork = self._repo.merge_base(ours.commit, theirs.commit)
        if fork is None:
            raise ValueError(f"{branch} and {other} have no commit in common")
        merged = self._merge_files(self._states[fork].files, ours.files, theirs.files)
        return self._write(branch, apply_changes(merged, changes or {}), message, author, time, [ours, theirs])

    def tag(self, name: str, branch: str, message: str, tagger: Identity, time: int) -> str:
        """Make an annotated tag at the tip of a branch and return the id of the tagged commit."""
        if name in self._tags:
            raise ValueError(f"tag {name} exists already")
        tip = self._tip(branch)
        if time < tip.time:
            raise ValueError(f"tag {name} is older than what it names")
        self._repo.create_tag(name, tip.commit, pygit2.enums.ObjectType.COMMIT, tagger.at(time), message)
        self._tags[name] = tip.commit
        return str(tip.commit)

    def publish(self, *branches: str) -> None:
        """Make references of these branches; the first one is what HEAD names."""
        for branch in branches:
            self._repo.create_reference(f"refs/heads/{branch}", self._tip(branch).commit)
        self._repo.set_head(f"refs/heads/{branches[0]}")

    def _at(self, name: str) -> _Tip:
        return self._states[self._tags[name]] if name in self._tags else self._tip(name)

    def _tip(self, branch: str) -> _Tip:
        try:
            return self._tips[branch]
        except KeyError:
            raise ValueError(f"no branch {branch}") from None

    def _write(self, branch: str, files: Files, message: str, author: Identity, time: int, parents: list[_Tip]) -> str:
        if any(parent.time > time for parent in parents):
            raise ValueError(f"{branch}: {_subject(message)}: older than its parent")
        commit = self._repo.create_commit(
            None,
            author.at(time),
            COMMITTER.at(time),
            message,
            self._write_tree(files),
            [parent.commit for parent in parents],
        )
        self._tips[branch] = self._states[commit] = _Tip(commit=commit, files=files, time=time)
        return str(commit)

    def _write_blob(self, data: bytes) -> str:
        if data not in self._blobs:
            self._blobs[data] = str(self._repo.create_blob(data))
        return self._blobs[data]

    def _write_tree(self, files: Files) -> pygit2.Oid:
        """Write the trees of one state, bottom up; a directory seen before is not written again."""
        here: list[tuple[str, int, str]] = []
        below: dict[str, dict[str, FileEntry]] = {}
        for path, entry in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            else:
                here.append((name, entry.mode, self._write_blob(entry.data)))
        for name, inner in below.items():
            here.append((name, int(FileMode.TREE), str(self._write_tree(inner))))
        key = tuple(sorted(here))
        if key not in self._trees:
            builder = self._repo.TreeBuilder()
            for name, mode, oid in key:
                builder.insert(name, pygit2.Oid(hex=oid), FileMode(mode))
            self._trees[key] = builder.write()
        return self._trees[key]

    def _merge_files(self, base: Files, ours: Files, theirs: Files) -> Files:
        """The automatic merge of two states, path by path, without rename detection."""
        merged: dict[str, FileEntry] = {}
        for path in sorted(base.keys() | ours.keys() | theirs.keys()):
            entry = self._merge_entry(path, base.get(path), ours.get(path), theirs.get(path))
            if entry is not None:
                merged[path] = entry
        return MappingProxyType(merged)

    def _merge_entry(
        self, path: str, base: FileEntry | None, ours: FileEntry | None, theirs: FileEntry | None
    ) -> FileEntry | None:
        if ours in (theirs, base):
            return theirs
        if theirs == base:
            return ours
        if base is None or ours is None or theirs is None or not base.mode == ours.mode == theirs.mode:
            raise ValueError(f"{path}: does not merge")
        data = merge_file(self._repo, base.data, ours.data, theirs.data)
        if data is None:
            raise ValueError(f"{path}: does not merge")
        return FileEntry(mode=ours.mode, data=data)


def apply_changes(files: Files, changes: Changes) -> Files:
    """The state after `changes`; plain bytes keep the mode the path had.

    Raises ValueError for the deletion of a path that is not there.
    """
    after = dict(files)
    for path, change in changes.items():
        if change is None:
            if path not in after:
                raise ValueError(f"{path}: not there, so it cannot be deleted")
            del after[path]
        elif isinstance(change, FileEntry):
            after[path] = change
        else:
            mode = after[path].mode if path in after else int(FileMode.BLOB)
            after[path] = FileEntry(mode=mode, data=change)
    return MappingProxyType(after)


def merge_file(repo: pygit2.Repository, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Three-way merge of one file by `merge_trees` on trees that hold nothing else; None where it conflicts.

    `Repository.merge_file_from_index` would decode the bytes as UTF-8; this way they stay as they are.
    """

    def tree_of(data: bytes) -> pygit2.Oid:
        builder = repo.TreeBuilder()
        builder.insert("file", repo.create_blob(data), FileMode.BLOB)
        return builder.write()

    index = repo.merge_trees(tree_of(base), tree_of(ours), tree_of(theirs), flags=MergeFlag(0))
    if index.conflicts is not None:
        return None
    merged = repo[index["file"].id]
    assert isinstance(merged, pygit2.Blob)
    return merged.data


def _subject(message: str) -> str:
    return message.partition("\n")[0]
