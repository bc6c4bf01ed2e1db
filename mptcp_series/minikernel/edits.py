# SPDX-License-Identifier: MIT
"""What the commits of the mini-kernel do to its files, as values.

A `Change` is written once and may be committed several times: on mainline, again on a stable branch as a backport,
and backwards as a revert. Edits name the bytes they replace; those must stand in the file exactly once, so that a
change which no longer fits the story fails loudly (`ValueError`) while the world is built.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from mptcp_series.minikernel.history import Changes, FileEntry, Files, Identity
from mptcp_series.minikernel.text import tabs

__all__ = ["Change", "Chmod", "Delete", "Edit", "Move", "Swap", "Write", "after", "before", "edit_files", "swap"]


@attrs.frozen(kw_only=True)
class Swap:
    """Replace bytes that stand in a file exactly once."""

    path: str
    old: bytes
    new: bytes

    def apply(self, files: Files) -> Changes:
        """The changed file."""
        data = files[self.path].data
        if data.count(self.old) != 1:
            raise ValueError(f"{self.path}: {self.old!r} is there {data.count(self.old)} times, not once")
        return {self.path: data.replace(self.old, self.new)}

    def inverse(self) -> Swap:
        """The edit that takes this one back."""
        return Swap(path=self.path, old=self.new, new=self.old)


@attrs.frozen(kw_only=True)
class Write:
    """Write a whole file."""

    path: str
    data: bytes

    def apply(self, files: Files) -> Changes:
        """The new file; a mode the path has stays."""
        return {self.path: self.data}


@attrs.frozen(kw_only=True)
class Delete:
    """Delete a file."""

    path: str

    def apply(self, files: Files) -> Changes:
        """The deletion."""
        return {self.path: None}


@attrs.frozen(kw_only=True)
class Move:
    """Rename a file."""

    path: str
    to: str

    def apply(self, files: Files) -> Changes:
        """The deletion of the old path and the same file at the new one."""
        return {self.path: None, self.to: files[self.path]}


@attrs.frozen(kw_only=True)
class Chmod:
    """Give a file another mode and leave its bytes alone."""

    path: str
    mode: int

    def apply(self, files: Files) -> Changes:
        """The same bytes with the new mode."""
        return {self.path: FileEntry(mode=self.mode, data=files[self.path].data)}


Edit = Swap | Write | Delete | Move | Chmod


@attrs.frozen(kw_only=True)
class Change:
    """One commit of the story: what it says and what it edits."""

    key: str
    subject: str
    body: str
    author: Identity
    edits: tuple[Edit, ...]
    fixes: str | None = None
    """The key of the change this one fixes; it becomes a `Fixes:` trailer."""
    reverts: str | None = None
    """The key of the change this one takes back."""


def swap(path: str, old: str, new: str, encoding: str = "utf-8") -> Swap:
    """Replace source text, written with four spaces for a tab, by other source text."""
    return Swap(path=path, old=tabs(old).encode(encoding), new=tabs(new).encode(encoding))


def after(path: str, anchor: str, text: str, encoding: str = "utf-8") -> Swap:
    """Insert source text behind other source text."""
    return swap(path, anchor, anchor + text.removeprefix("\n"), encoding)


def before(path: str, anchor: str, text: str, encoding: str = "utf-8") -> Swap:
    """Insert source text in front of other source text."""
    return swap(path, anchor, text.removeprefix("\n") + anchor.removeprefix("\n"), encoding)


def edit_files(files: Files, edits: Iterable[Edit]) -> Changes:
    """All edits in turn, as one set of changes to `files`."""
    state = dict(files)
    for edit in edits:
        for path, change in edit.apply(state).items():
            if change is None:
                del state[path]
            elif isinstance(change, FileEntry):
                state[path] = change
            elif path in state:
                state[path] = attrs.evolve(state[path], data=change)
            else:
                state[path] = FileEntry(data=change)
    changed: dict[str, bytes | FileEntry | None] = {path: None for path in files if path not in state}
    changed.update({path: entry for path, entry in state.items() if files.get(path) != entry})
    return changed
