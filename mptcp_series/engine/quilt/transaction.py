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
from .files import Files
from .queue import Quilt
from .state import APPLIED, TIMESTAMP

__all__ = ["JOURNAL", "publish", "recover_directory", "stamp"]

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
    quilt.rooted.forget()
    if changes:
        write_changes(quilt.root, changes, journal=quilt.root / JOURNAL, before=before)
    if series is not None:
        quilt.write_series(series)
    stamp(quilt, stamped)


def stamp(quilt: Quilt, names: Iterable[str]) -> None:
    """Say that a patch's files are as its patch says: quilt compares their times with this one's.

    No part of the transaction: where a time stamp is missing, quilt looks at the files.
    """
    rooted = quilt.rooted
    rooted.forget()
    now = time.time_ns()
    for name in names:
        rooted.make_directory(quilt.state.path(name))
        directory = rooted.directory(quilt.state.path(name))
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = os.open(TIMESTAMP, flags, 0o644, dir_fd=directory)
        os.utime(opened, ns=(now, now))
        os.close(opened)
