# SPDX-License-Identifier: MIT
"""diff: the two sides of every file of a patch, of several, or of what was edited since a refresh."""

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
from .state import REFRESH
from .verify import backups

__all__ = ["Comparison", "compare"]


@attrs.frozen(kw_only=True)
class Comparison:
    """Files with what they were and what they are; shadowed: patches above changed some of them."""

    files: tuple[tuple[str, FileState | None, FileState | None], ...]
    shadowed: bool


def compare(
    quilt: Quilt,
    name: str,
    reader: Reader,
    *,
    first: str | None = None,
    relative: bool = False,
    only: Sequence[str] = (),
    sort: bool = False,
) -> Comparison:
    """The files of an applied patch before and after it.

    first: an applied patch from which on all are taken together, "" for the first one.
    relative: before is the patch file's own result instead. only: these files.
    Raises BadInput.
    """
    patches: tuple[str, ...] = (name,)
    if first is not None:
        upto = quilt.applied[: quilt.applied.index(name) + 1]
        begin = first or upto[0]
        if begin not in upto:
            raise BadInput(f"Patch {quilt.shown(begin)} not applied before patch {quilt.shown(name)}")
        patches = upto[upto.index(begin) :]
    paths: dict[str, None] = {}
    for patch in patches:
        paths.update(dict.fromkeys(ordered_files(quilt, patch, reader.read(patch), sort=sort)))
    wanted = [path for path in (sorted(paths) if sort else paths) if not only or path in only]
    base = _patched(quilt, name, reader, whole=not only) if relative else None
    now = Files(quilt.rooted)
    found = []
    shadowed = False
    for path in wanted:
        if base is not None:
            old = base.get(path)
        else:
            origin = quilt.state.first_for(path, patches)
            assert origin is not None
            old = quilt.state.backup(origin, path)
        above = quilt.state.next_for(name, path)
        shadowed = shadowed or above is not None
        new = now.get(path) if above is None else quilt.state.backup(above, path)
        found.append((path, old, new))
    return Comparison(files=tuple(found), shadowed=shadowed)


def _patched(quilt: Quilt, name: str, reader: Reader, *, whole: bool) -> Files:
    """The files as the patch file has them. Raises BadInput where it does not fit its own backups."""
    files = backups(quilt, name)
    applied = apply_changes(files, reader.read(name).in_order(quilt.entry(name)))
    if whole and not applied.clean and not quilt.state.marked(name, REFRESH):
        raise BadInput("Failed to patch temporary files")
    return files
