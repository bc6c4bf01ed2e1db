# SPDX-License-Identifier: MIT
"""Bringing what was written to the disk before the next step relies on it.

An fsync a file costs a commit of the file system's journal each, several milliseconds; a push of a queue writes two
thousand files. Past a few of them one syncfs(2) does the same for all.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Collection, Iterator
from typing import Final

from .rooted import Rooted

__all__ = ["bring_to_disk", "syncing"]

FEW: Final = 8
"""Files up to which each is synced on its own: a syncfs also waits for what other programs wrote."""


def bring_to_disk(rooted: Rooted, paths: Collection[str], *, elsewhere: bool = False) -> None:
    """Return once files and directories below the root ("" is the root) are on the disk.

    elsewhere: some of them are on another file system than the root, which syncfs does not reach.
    """
    syncfs = None if elsewhere or len(paths) <= FEW else _syncfs()
    if syncfs is not None and syncfs(rooted.descriptor):
        return
    for path in paths:
        rooted.sync(path)


@contextlib.contextmanager
def syncing(rooted: Rooted) -> Iterator[None]:
    """While many files are written, have those that are written already brought to the disk.

    No more than a start: `bring_to_disk` comes behind it, and has less to wait for.
    """
    syncfs = _syncfs()
    if syncfs is None:
        yield
        return
    # Not for a command to wait for that writes a few files.
    import threading

    done = threading.Event()

    def sync() -> None:
        while not done.wait(_PAUSE):
            syncfs(rooted.descriptor)

    thread = threading.Thread(target=sync, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


_PAUSE: Final = 0.02
"""Seconds in which something worth a sync is written."""


def _syncfs() -> Callable[[int], bool] | None:
    """syncfs(2) of the C library, which Python does not offer; None where there is none (it is Linux's own)."""
    function = getattr(ctypes.CDLL(None), "syncfs", None)
    if function is None:
        return None

    def call(descriptor: int) -> bool:
        return bool(function(descriptor) == 0)

    return call
