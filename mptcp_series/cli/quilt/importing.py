# SPDX-License-Identifier: MIT
"""`mptcp-series import PATCH...`: quilt's import, of patch files into a quilt directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...engine.quilt.importing import Keep, import_patches
from ...errors import BadInput
from .run import QuiltRun

__all__ = ["import_into_quilt"]


def import_into_quilt(
    run: QuiltRun,
    sources: Sequence[str],
    *,
    name: str | None,
    strip: int,
    reverse: bool,
    force: bool,
    keep: str | None,
) -> None:
    """Put patch files behind the top patch, to be pushed."""
    quilt = run.open()
    paths = [Path(run.top.path(source)) for source in sources]
    paths = [path if path.is_absolute() else run.top.directory / path for path in paths]
    for typed, path in zip(sources, paths, strict=True):
        if not path.is_file():
            raise BadInput(f"Patch {typed} does not exist")
    done = import_patches(
        quilt,
        paths,
        name=name,
        strip=strip,
        reverse=reverse,
        force=force,
        keep=None if keep is None else Keep(keep),
    )
    for patch, typed in zip(done.patches, sources, strict=True):
        shown = quilt.shown(patch.name)
        if patch.replaces:
            run.warn(f"Replacing patch {shown} with new version")
        elif patch.data is None or quilt.patch_file(patch.name).exists():
            run.say(f"Importing patch {shown}")
        else:
            run.say(f"Importing patch {typed} (stored as {shown})")
    done.write()
    run.answer(lambda: {"command": "import", "patches": [patch.name for patch in done.patches]})
