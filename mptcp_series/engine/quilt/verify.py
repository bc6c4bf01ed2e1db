# SPDX-License-Identifier: MIT
"""Whether the tree has of an applied patch just what its patch file says: else a pop would lose somebody's edit.

quilt asks time stamps first, and looks at content where they do not vouch for it. Here content always decides: the
backups with the patch on them must be the files. Only a place that GNU patch found and this package would not (fuzz,
the nearest of several) leaves a question that content cannot answer; there the time stamps count, as in quilt.
"""

from __future__ import annotations

import attrs

from .apply import Blobs, apply_changes
from .files import Files
from .gnu import as_gnu_patch_does
from .parts import Style
from .patchfile import PatchFile, Reader
from .queue import Quilt

__all__ = ["Pending", "backups", "pending"]


_NO_SOURCE = "whether it is as the patch says cannot be told without its source (--source)"


@attrs.frozen(kw_only=True)
class Pending:
    """What is not as the patch says: files by path. `unreadable`: why the patch itself could not be had."""

    paths: tuple[str, ...] = ()
    unreadable: str = ""

    @property
    def any(self) -> bool:
        return bool(self.paths or self.unreadable)


def backups(quilt: Quilt, patch: str, under: Files | None = None) -> Files:
    """The files as they were under a patch."""
    files = Files(quilt.rooted, under=under)
    for path in quilt.state.files(patch):
        files.put(path, quilt.state.backup(patch, path))
    return files


def pending(
    quilt: Quilt, patch: str, reader: Reader, now: Files, *, at_top: bool, blobs: Blobs | None = None
) -> Pending:
    """What of an applied patch's files is not as its patch file says.

    now: the files as they are once the patches above are popped. at_top: nothing above was popped in this run, so that
    time stamps say something.
    """
    paths = quilt.state.files(patch)
    if not reader.readable(patch):
        vouched = at_top and _vouched(quilt, patch, with_patch=False)
        return Pending() if vouched or not paths else Pending(paths=paths, unreadable=_NO_SOURCE)
    content = reader.read(patch)
    changes = content.in_order(quilt.entry(patch))
    wanted = backups(quilt, patch, under=now)
    applied = apply_changes(wanted, changes, blobs=blobs)
    others = sorted(wanted.touched() - frozenset(paths))
    off = tuple(path for path in (*paths, *others) if _data(wanted, path) != _data(now, path))
    if not off:
        return Pending()
    if not applied.clean:
        merged = _as_merged(quilt, patch, content, now)
        off = tuple(path for path in off if path not in merged and not _as_gnu(quilt, patch, content, path, now))
        if not off or (at_top and _vouched(quilt, patch, with_patch=True)):
            return Pending()
    return Pending(paths=off)


def _data(files: Files, path: str) -> bytes | None:
    """Content, None for no file; an empty file and none are one to quilt."""
    state = files.get(path)
    return None if state is None or not state.data else state.data


def _as_merged(quilt: Quilt, patch: str, content: PatchFile, now: Files) -> frozenset[str]:
    """The files that are what `push --merge` makes of their backups."""
    wanted = backups(quilt, patch, under=now)
    applied = apply_changes(wanted, content.in_order(quilt.entry(patch)), merge=Style.MERGE)
    clean = {file.path for file in applied.files} - {file.path for file in applied.files if not file.clean}
    return frozenset(path for path in clean if _data(wanted, path) == _data(now, path))


def _as_gnu(quilt: Quilt, patch: str, content: PatchFile, path: str, now: Files) -> bool:
    """Whether a file is what GNU patch makes of its backup."""
    before = quilt.state.backup(patch, path) if quilt.state.has(patch, path) else None
    data = b"" if before is None else before.data
    found = [change for change in content.in_order(quilt.entry(patch)) if change.path == path]
    for change in found:
        made = as_gnu_patch_does(data, change.hunks)
        if made is None:
            return False
        data = made
    return bool(found) and (data or None) == _data(now, path)


def _vouched(quilt: Quilt, patch: str, *, with_patch: bool) -> bool:
    """Whether time stamps say that neither the patch nor its files changed since it was applied (quilt's rule)."""
    times = quilt.state.times(patch)
    if times is None:
        return False
    stamp, files = times
    if with_patch:
        file = quilt.patch_file(patch)
        if not file.is_file() or file.stat().st_mtime_ns >= stamp:
            return False
    return all(time < stamp for time in files.values())
