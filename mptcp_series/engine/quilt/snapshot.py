# SPDX-License-Identifier: MIT
"""snapshot: the files of all applied patches kept as they are, to be compared with later on (quilt's `.pc/.snap`)."""

from __future__ import annotations

from ...errors import BadInput
from ..directory.changes import FileState
from .files import Files
from .queue import Quilt
from .state import SNAPSHOT
from .transaction import publish

__all__ = ["drop_snapshot", "has_snapshot", "take_snapshot"]


def take_snapshot(quilt: Quilt) -> tuple[str, ...]:
    """Keep the files as they are, in place of those kept before; their paths.

    Raises BadInput where there is no series.
    """
    if quilt.found_series is None:
        raise BadInput("No series file found")
    now = Files(quilt.rooted)
    paths = tuple(dict.fromkeys(path for patch in quilt.applied for path in quilt.state.files(patch)))
    state: dict[str, FileState | None] = quilt.state.made(quilt.patches_name, quilt.series_name)
    state.update(_dropped(quilt))
    for path in paths:
        state[quilt.state.path(SNAPSHOT, path)] = now.get(path) or FileState(data=b"")
    publish(quilt, None, state)
    quilt.rooted.make_directory(quilt.state.path(SNAPSHOT))
    return paths


def drop_snapshot(quilt: Quilt) -> None:
    """Take the snapshot away, if there is one."""
    publish(quilt, None, _dropped(quilt))
    quilt.rooted.forget()
    quilt.rooted.remove_directory(quilt.state.path(SNAPSHOT))


def has_snapshot(quilt: Quilt) -> bool:
    return quilt.rooted.directory(quilt.state.path(SNAPSHOT)) is not None


def _dropped(quilt: Quilt) -> dict[str, FileState | None]:
    return {quilt.state.path(SNAPSHOT, name): None for name in quilt.state.entries(SNAPSHOT)}
