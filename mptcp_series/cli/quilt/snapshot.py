# SPDX-License-Identifier: MIT
"""`mptcp-series snapshot`: the files of applied patches kept, for `diff --snapshot`."""

from __future__ import annotations

import click

from ...engine.quilt.snapshot import drop_snapshot, take_snapshot
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["snapshot"]


@quilt_verb("snapshot", "Keep files as they are, for `diff --snapshot`.")
@click.option("-d", "drop", is_flag=True, help="Only take the snapshot there is away.")
@on_quilt
def snapshot(run: QuiltRun, drop: bool) -> None:
    """Keep the files of all applied patches as they are now, in place of those kept before."""
    quilt = run.open()
    paths: tuple[str, ...] = ()
    if drop:
        drop_snapshot(quilt)
    else:
        paths = take_snapshot(quilt)
    run.answer(lambda: {"command": "snapshot", "files": list(paths)})
