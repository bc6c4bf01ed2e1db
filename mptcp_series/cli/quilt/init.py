# SPDX-License-Identifier: MIT
"""`mptcp-series init` and `upgrade`: quilt's meta-data in a directory."""

from __future__ import annotations

from pathlib import Path

import attrs

from ...engine.quilt.state import VERSION, meta_data_version
from ...engine.quilt.transaction import publish
from ...errors import BadInput
from .command import quilt_verb
from .environment import Top
from .run import QuiltRun, on_quilt

__all__ = ["init", "upgrade"]


@quilt_verb("init", "Begin a quilt directory here.")
@on_quilt
def init(run: QuiltRun) -> None:
    """Make `.pc` in the working directory, or in --repo: verbs called below it take it for the tree's top then.

    Any verb makes it where it needs it; this is for a tree whose `patches` directory is yet to come, or lies elsewhere.
    """
    if run.given["repo"] is None:
        run.top = Top(directory=Path.cwd())
        run.settings = attrs.evolve(run.settings, down="")
    quilt = run.open()
    publish(quilt, None, quilt.state.made(quilt.patches_name, quilt.series_name))
    run.say("The quilt meta-data is now initialized.")
    run.answer(lambda: {"command": "init", "directory": quilt.state.place})


@quilt_verb("upgrade", "Whether the meta-data has quilt's present format.")
@on_quilt
def upgrade(run: QuiltRun) -> None:
    """Say that the meta-data in `.pc` has quilt's format 2; one from before quilt 0.40 is quilt's to convert.

    Exit status 1: it has another.
    """
    version = meta_data_version(run.rooted(), run.settings.pc)
    place = f"{run.settings.pc}/"
    if version not in (None, str(VERSION)):
        raise BadInput(
            f"The quilt meta-data in {place} are in format {version or 'of quilt before 0.40'}, which is not converted "
            "here: run `quilt upgrade`, or pop all patches with what pushed them"
        )
    run.say(f"The quilt meta-data in {place} are already in the version {VERSION} format; nothing to do")
    run.answer(lambda: {"command": "upgrade", "version": VERSION})
