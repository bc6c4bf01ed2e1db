# SPDX-License-Identifier: MIT
"""fold: another patch brought onto the tree as part of the top one. All of it fits, or nothing is done."""

from __future__ import annotations

import attrs

from ...values.filechange import FileChange
from ...values.series import SeriesEntry
from ..directory.changes import FileState
from .apply import Applied, Blobs, apply_changes
from .files import Files
from .patchfile import parse
from .push import PushedPatch, reject_path, reject_text
from .queue import Quilt
from .state import REFRESH
from .transaction import publish

__all__ = ["Fold", "fold"]


@attrs.frozen(kw_only=True)
class Fold:
    """A fold, worked out. `write` publishes it; what does not fit is refused unless it is forced."""

    quilt: Quilt
    patch: PushedPatch
    files: Files = attrs.field(repr=False)
    state: dict[str, FileState | None] = attrs.field(repr=False)

    @property
    def applied(self) -> Applied:
        return self.patch.applied

    @property
    def refused(self) -> bool:
        return self.patch.refused

    def write(self) -> None:
        if not self.refused:
            publish(self.quilt, self.files, self.state)


def fold(
    quilt: Quilt,
    data: bytes,
    *,
    strip: int = 1,
    reverse: bool = False,
    force: bool = False,
    fuzz: int = 0,
    below: str = "",
    blobs: Blobs | None = None,
) -> Fold:
    """Work out what a patch makes of the tree. Nothing is written.

    below: the directory its names are relative to, "" or with a slash at its end. Raises BadInput, BadPatch.
    """
    top = quilt.top()
    patch = parse("(folded)", "standard input", data, strip)
    if below:
        patch = attrs.evolve(patch, changes=tuple(_moved(change, below) for change in patch.changes))
    files = Files(quilt.rooted)
    applied = apply_changes(files, patch.in_order(SeriesEntry(name="folded", reverse=reverse)), fuzz=fuzz, blobs=blobs)
    state: dict[str, FileState | None] = {}
    for path in sorted(files.touched()):
        if not quilt.state.has(top, path):
            before = Files(quilt.rooted).get(path)
            state[quilt.state.path(top, path)] = FileState(data=b"") if before is None else before
    done = PushedPatch(name=top, patch=patch, applied=applied, refused=not applied.clean and not force)
    if not applied.clean:
        state[quilt.state.path(top) + REFRESH] = FileState(data=b"")
        for path, text in reject_text(done):
            files.put(reject_path(path), FileState(data=text))
    return Fold(quilt=quilt, patch=done, files=files, state=state)


def _moved(change: FileChange, below: str) -> FileChange:
    """The change of the file of that name in a directory."""
    names = [None if name is None else below + name for name in (change.old_path, change.new_path)]
    return attrs.evolve(change, old_path=names[0], new_path=names[1])
