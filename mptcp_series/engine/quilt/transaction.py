# SPDX-License-Identifier: MIT
"""Publishing what a verb worked out: tree and `.pc` in one transaction, then the series, then the time stamps.

A killed run leaves the tree and the state of before or of after; the next run of any verb sees to it first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...values.series import Series
from ..directory.changes import FileState, Recovered, recover, write_changes
from ..directory.durable import bring_to_disk, syncing
from .files import Files
from .fresh import FreshFiles, all_writable
from .queue import Quilt
from .state import APPLIED, TIMESTAMP

__all__ = ["JOURNAL", "publish", "recover_directory", "stamp"]

MANY = 64
"""Backups from which on they are written without temporaries."""

JOURNAL = ".mptcp-series.journal"
"""Beside the tree's top-level files, where it can be found before anything else is known of the tree."""


def recover_directory(root: Path) -> Recovered | None:
    """See to what a killed run left. Raises what `recover` raises."""
    return recover(root, root / JOURNAL)


def publish(
    quilt: Quilt,
    files: Files | None = None,
    state: Mapping[str, FileState | None] | None = None,
    *,
    series: Series | None = None,
    stamped: Iterable[str] = (),
) -> None:
    """Write the tree's files and those of `.pc`, all or none; then the series; then put new time stamps.

    state: by path below the tree's top. stamped: patches whose files are as their patch says from now on.
    """
    changes: dict[str, FileState | None] = {}
    before: dict[str, FileState | None] = {}
    if files is not None:
        changes.update(files.changes())
        before.update((path, there) for path, there in files.before().items() if path in changes)
    changes.update(state or {})
    applied = f"{quilt.state.place}/{APPLIED}"
    if applied in changes:
        # Another run in between would have changed this one.
        before.update(quilt.state.listed(quilt.applied))
    new = _of_new_patches(quilt, changes)
    fresh = _written_ahead(quilt, changes, new)
    if fresh is None:
        before.update(dict.fromkeys(new))
    quilt.rooted.forget()
    if changes:
        try:
            write_changes(quilt.root, changes, journal=quilt.root / JOURNAL, before=before)
        except BaseException:
            if fresh is not None and not (quilt.root / JOURNAL).exists():
                fresh.take_back()
            raise
    if series is not None:
        quilt.write_series(series)
    stamp(quilt, stamped)


def _of_new_patches(quilt: Quilt, changes: Mapping[str, FileState | None]) -> dict[str, FileState]:
    """What is to be written below `.pc` for patches that it has nothing of."""
    place, known = f"{quilt.state.place}/", quilt.state.top_names
    return {
        path: state
        for path, state in changes.items()
        if state is not None
        and path.startswith(place)
        and path != f"{place}{APPLIED}"
        and path.removeprefix(place).split("/")[0] not in known
    }


def _written_ahead(
    quilt: Quilt, changes: dict[str, FileState | None], new: Mapping[str, FileState]
) -> FreshFiles | None:
    """Write many backups of patches that nothing is known of yet, and take them out of the changes."""
    rest = [path for path in changes if path not in new]
    if len(new) < MANY or not all_writable(quilt.rooted, rest):
        return None
    # What tells the format of the directory comes before what is in it.
    below = {path.removeprefix(f"{quilt.state.place}/"): state for path, state in new.items()}
    fresh = FreshFiles(quilt.rooted, quilt.state.place)
    with syncing(quilt.rooted):
        fresh.write({path: state for path, state in below.items() if path.startswith(".")})
        fresh.write({path: state for path, state in below.items() if not path.startswith(".")})
    fresh.close()
    if len(rest) <= MANY:
        bring_to_disk(quilt.rooted, list(new))
    for path in new:
        del changes[path]
    return fresh


def stamp(quilt: Quilt, names: Iterable[str]) -> None:
    """Say that a patch's files are as its patch says: quilt compares their times with this one's.

    No part of the transaction: where a time stamp is missing, quilt looks at the files.
    """
    rooted = quilt.rooted
    rooted.forget()
    # The exact time: the one the kernel gives a file may be as old as its last tick, that of the tree's files.
    now = time.time_ns()
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    for name in names:
        place = quilt.state.path(name)
        directory = rooted.directory(place)
        if directory is None:
            rooted.make_directory(place)
            directory = rooted.directory(place)
        opened = os.open(TIMESTAMP, flags, 0o644, dir_fd=directory)
        os.utime(opened, ns=(now, now))
        os.close(opened)
