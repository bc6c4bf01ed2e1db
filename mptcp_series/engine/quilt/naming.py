# SPDX-License-Identifier: MIT
"""new, fork, rename and delete: which patches there are, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault
from ...values.series import Series, SeriesEntry
from ..directory.changes import FileState
from ..store.files import replace_file
from .patchfile import Reader
from .pop import Pop, pop
from .queue import Quilt, next_name
from .state import FUZZ, REFRESH, TIMESTAMP
from .transaction import publish

__all__ = ["Deleted", "Renamed", "delete", "fork", "new", "rename"]


def new(quilt: Quilt, name: str, *, strip: int = 1) -> str:
    """Make an empty patch on top of the applied ones and in the series behind them; its name.

    Raises BadInput, BadSeries for a name that cannot be.
    """
    name = quilt.check_new_name(name)
    state: dict[str, FileState | None] = quilt.state.made(quilt.patches_name, quilt.series_name)
    state.update(quilt.state.cleared(name))
    series = quilt.inserted(SeriesEntry(name=name, strip=strip))
    state.update(quilt.state.listed((*quilt.applied, name)))
    publish(quilt, None, state, series=series)
    (quilt.root / quilt.state.path(name)).mkdir(parents=True, exist_ok=True)
    return name


@attrs.frozen(kw_only=True)
class Renamed:
    """A patch under another name; `write` publishes it. keep: whether the old patch file stays, as a fork's does."""

    quilt: Quilt
    old: str
    new: str
    keep: bool
    series: Series = attrs.field(repr=False)
    state: Mapping[str, FileState | None] = attrs.field(repr=False)

    def write(self) -> None:
        """The new patch file comes first, the old one goes last: a killed run leaves one too many, never one less."""
        quilt = self.quilt
        source, target = quilt.patch_file(self.old), quilt.patch_file(self.new)
        if source.exists():
            replace_file(target, source.read_bytes())
            there = source.stat()
            os.chmod(target, there.st_mode & 0o777)
            os.utime(target, ns=(there.st_atime_ns, there.st_mtime_ns))
        times = quilt.rooted.status(quilt.state.path(self.old, TIMESTAMP)) if self.old in quilt.applied else None
        publish(quilt, None, self.state, series=self.series)
        if self.old in quilt.applied:
            quilt.rooted.remove_directory(quilt.state.path(self.old))
            place = quilt.root / quilt.state.path(self.new)
            place.mkdir(parents=True, exist_ok=True)
            if times is not None:
                os.utime(place / TIMESTAMP, ns=(times.st_mtime_ns, times.st_mtime_ns))
        if not self.keep and source.exists():
            _unlink(source)
            _remove_empty(source.parent, quilt.patches)


def fork(quilt: Quilt, name: str | None) -> Renamed:
    """Work out the top patch under a new name, its old file kept. Nothing is written."""
    top = quilt.top()
    return _renamed(quilt, top, name or next_name(top), keep=True, hint=", please choose a new name")


def rename(quilt: Quilt, old: str, name: str) -> Renamed:
    """Work out a patch under another name. Nothing is written."""
    return _renamed(quilt, old, name, keep=False, hint=", please choose a different name")


def _renamed(quilt: Quilt, old: str, name: str, *, keep: bool, hint: str) -> Renamed:
    name = quilt.check_new_name(name, hint)
    if quilt.patch_file(name).exists() or quilt.rooted.directory(quilt.state.path(name)) is not None:
        raise BadInput(f"Patch {quilt.shown(name)} exists already{hint}")
    entry = quilt.series.find(old)
    if entry is None:
        raise BadInput(f"Patch {quilt.shown(old)} is not in series")
    state: dict[str, FileState | None] = {}
    if old in quilt.applied:
        for file in quilt.state.entries(old):
            state[quilt.state.path(name, file)] = quilt.rooted.read(quilt.state.path(old, file))
        for mark in (REFRESH, FUZZ):
            if quilt.state.marked(old, mark):
                state[quilt.state.path(name) + mark] = quilt.rooted.read(quilt.state.path(old) + mark)
        state.update(quilt.state.cleared(old))
        state.update(quilt.state.listed(tuple(name if one == old else one for one in quilt.applied)))
    return Renamed(
        quilt=quilt,
        old=old,
        new=name,
        keep=keep,
        series=quilt.series.replace_entry(old, attrs.evolve(entry, name=name)),
        state=state,
    )


@attrs.frozen(kw_only=True)
class Deleted:
    """A patch that leaves the series; `write` publishes it. popped: how it is taken off first, if it is applied."""

    quilt: Quilt
    name: str
    popped: Pop | None

    def write(self, *, remove: bool = False, backup: bool = False) -> None:
        """remove: the patch file goes too; backup: it stays as `name~`."""
        if self.popped is not None:
            self.popped.write()
        self.quilt.write_series(self.quilt.series.remove(self.name))
        file = self.quilt.patch_file(self.name)
        if remove and (file.exists() or file.is_symlink()):
            if backup:
                os.replace(file, file.with_name(f"{file.name}~"))
            else:
                _unlink(file)


def delete(quilt: Quilt, name: str, reader: Reader, *, force: bool = False) -> Deleted:
    """Work out how a patch leaves the series; the top one is popped first. Nothing is written.

    force: give up edits of its files that are not in the patch file (quilt always does). Raises BadInput.
    """
    popped = None
    if name in quilt.applied:
        if name != quilt.state.top:
            raise BadInput(f"Patch {quilt.shown(name)} is currently applied")
        popped = pop(quilt, [name], reader, force=force)
        if popped.stuck is not None:
            raise BadInput(f"Patch {quilt.shown(name)} does not remove cleanly (refresh it or enforce with -f)")
    return Deleted(quilt=quilt, name=name, popped=popped)


def _unlink(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        raise EnvironmentFault(f"cannot remove {file}: {error.strerror}") from error


def _remove_empty(directory: Path, top: Path) -> None:
    """Directories that hold nothing any more, up to the patch directory."""
    while directory != top and directory.is_relative_to(top):
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
