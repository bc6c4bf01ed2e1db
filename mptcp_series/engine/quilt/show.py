# SPDX-License-Identifier: MIT
"""diff: the two sides of every file of a patch, of several, since a snapshot, or since a refresh."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ...errors import BadInput
from ..directory.changes import FileState
from .apply import apply_changes
from .files import Files
from .patchfile import Reader
from .queue import Quilt
from .refresh import ordered_files
from .snapshot import has_snapshot
from .state import REFRESH, SNAPSHOT
from .verify import backups

__all__ = ["Compared", "Comparison", "Side", "compare"]


@attrs.frozen(kw_only=True)
class Side:
    """A file on one side. place: where it is, below the tree's top; None where it is in memory only."""

    state: FileState | None
    place: str | None = None


@attrs.frozen(kw_only=True)
class Compared:
    """A file, as it was and as it is."""

    path: str
    old: Side
    new: Side


@attrs.frozen(kw_only=True)
class Comparison:
    """Files with what they were and what they are; shadowed: patches above changed some of them."""

    files: tuple[Compared, ...]
    shadowed: bool


def compare(
    quilt: Quilt,
    name: str,
    reader: Reader,
    *,
    first: str | None = None,
    relative: bool = False,
    snapshot: bool = False,
    only: Sequence[str] = (),
    sort: bool = False,
) -> Comparison:
    """The files of an applied patch before and after it.

    first: an applied patch from which on all are taken together, "" for the first one.
    relative: before is the patch file's own result instead. only: these files.
    snapshot: before is the snapshot, of all that it has and all that patches changed since.
    Raises BadInput.
    """
    kept: tuple[str, ...] = ()
    if snapshot:
        if not has_snapshot(quilt):
            raise BadInput("No snapshot to diff against")
        kept, first = quilt.state.files(SNAPSHOT), ""
    patches: tuple[str, ...] = (name,)
    if first is not None:
        upto = quilt.applied[: quilt.applied.index(name) + 1]
        begin = first or upto[0]
        if begin not in upto:
            raise BadInput(f"Patch {quilt.shown(begin)} not applied before patch {quilt.shown(name)}")
        patches = upto[upto.index(begin) :]
    paths = dict.fromkeys(kept)
    for patch in patches:
        paths.update(dict.fromkeys(ordered_files(quilt, patch, reader.read(patch), sort=sort)))
    wanted = [path for path in (sorted(paths) if sort else paths) if not only or path in only]
    base = _patched(quilt, name, reader, whole=not only) if relative else None
    now = Files(quilt.rooted)
    found = []
    shadowed = False
    for path in wanted:
        if base is not None:
            old = Side(state=base.get(path))
        else:
            origin = SNAPSHOT if path in kept else quilt.state.first_for(path, patches)
            assert origin is not None
            old = Side(state=quilt.state.backup(origin, path), place=quilt.state.path(origin, path))
        above = quilt.state.next_for(name, path)
        shadowed = shadowed or above is not None
        if above is None:
            new = Side(state=now.get(path), place=path)
        else:
            new = Side(state=quilt.state.backup(above, path), place=quilt.state.path(above, path))
        found.append(Compared(path=path, old=old, new=new))
    return Comparison(files=tuple(found), shadowed=shadowed)


def _patched(quilt: Quilt, name: str, reader: Reader, *, whole: bool) -> Files:
    """The files as the patch file has them. Raises BadInput where it does not fit its own backups."""
    files = backups(quilt, name)
    applied = apply_changes(files, reader.read(name).in_order(quilt.entry(name)))
    if whole and not applied.clean and not quilt.state.marked(name, REFRESH):
        raise BadInput("Failed to patch temporary files")
    return files
