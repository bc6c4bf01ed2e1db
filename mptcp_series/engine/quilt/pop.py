# SPDX-License-Identifier: MIT
"""pop: files put back as they were under each patch, from the top down, in one go.

A patch whose files are not as it says is not popped: the difference is somebody's edit, and would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...errors import BadInput
from ...values.filechange import ChangeKind
from ..directory.changes import FileState
from .apply import Blobs
from .files import Files
from .patchfile import Reader
from .queue import Quilt
from .state import REFRESH
from .transaction import publish
from .verify import pending

__all__ = ["Pop", "PoppedPatch", "pop"]


@attrs.frozen(kw_only=True)
class PoppedPatch:
    """One patch that is taken off: the files that are put back, and those that go."""

    name: str
    restored: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.restored or self.removed)


@attrs.frozen(kw_only=True)
class Pop:
    """A pop, worked out. `write` publishes it.

    stuck: the patch that is not popped, as its files are not as it says; pending: these files, and why.
    """

    quilt: Quilt
    patches: tuple[PoppedPatch, ...]
    files: Files = attrs.field(repr=False)
    state: dict[str, FileState | None] = attrs.field(repr=False)
    stuck: str | None = None
    pending: tuple[str, ...] = ()
    why: str = ""

    @property
    def left(self) -> tuple[str, ...]:
        """What is still applied."""
        return self.quilt.applied[: len(self.quilt.applied) - len(self.patches)]

    @property
    def top(self) -> str | None:
        return self.left[-1] if self.left else None

    def write(self) -> None:
        if not self.patches:
            return
        publish(self.quilt, self.files, self.state)
        for patch in self.patches:
            # A patch without files has an empty directory, or none.
            names = patch.name.split("/")
            for depth in range(len(names), 0, -1):
                self.quilt.rooted.remove_directory(self.quilt.state.path("/".join(names[:depth])))


def pop(quilt: Quilt, names: Sequence[str], reader: Reader, *, force: bool = False, blobs: Blobs | None = None) -> Pop:
    """Work out how to take off patches, the top one first. Nothing is written.

    Raises BadInput where the top patch waits for a refresh.
    """
    top = quilt.state.top
    if top is not None and quilt.state.marked(top, REFRESH) and not force:
        raise BadInput(f"Patch {quilt.shown(top)} needs to be refreshed first.")
    files = Files(quilt.rooted)
    state: dict[str, FileState | None] = {}
    popped: list[PoppedPatch] = []
    stuck = None
    found: tuple[str, ...] = ()
    why = ""
    for name in names:
        if not force:
            off = pending(quilt, name, reader, files, at_top=name == top, blobs=blobs)
            if off.any:
                stuck, found, why = name, off.paths, off.unreadable
                break
        popped.append(_take_off(quilt, name, files, reader))
        state.update(quilt.state.cleared(name))
    if popped:
        state.update(quilt.state.listed(quilt.applied[: len(quilt.applied) - len(popped)]))
    return Pop(quilt=quilt, patches=tuple(popped), files=files, state=state, stuck=stuck, pending=found, why=why)


def _take_off(quilt: Quilt, name: str, files: Files, reader: Reader) -> PoppedPatch:
    restored, removed = [], []
    empty = _was_empty(quilt, name, reader)
    for path in quilt.state.files(name):
        backup = quilt.state.empty_backup(name, path)
        assert backup is not None
        if backup.data or path in empty:
            files.put(path, backup)
            restored.append(path)
        else:
            files.put(path, None)
            removed.append(path)
    return PoppedPatch(name=name, restored=tuple(restored), removed=tuple(removed))


def _was_empty(quilt: Quilt, name: str, reader: Reader) -> frozenset[str]:
    """Files of which a git patch says that they were there and empty; a backup of no length does not tell."""
    suspects = [path for path in quilt.state.files(name) if quilt.state.backup(name, path) is None]
    if not suspects or not reader.readable(name):
        return frozenset()
    changes = reader.read(name).in_order(quilt.entry(name))
    # Of a file that becomes a link there are two changes; the first says what was there.
    kinds = {change.path: change.kind for change in reversed(changes) if change.raw.startswith(b"diff --git ")}
    return frozenset(path for path in suspects if kinds.get(path) in (ChangeKind.MODIFY, ChangeKind.DELETE))
