# SPDX-License-Identifier: MIT
"""`mptcp-series new`, `fork`, `rename` and `delete`: which patches there are."""

from __future__ import annotations

import click

from ...engine.quilt import naming
from ...errors import BadInput
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["delete", "fork", "new", "rename"]


@quilt_verb("new", "Begin a new patch on top.")
@click.argument("name")
@click.option("-p", "strip", metavar="N", help="Strip level it will be written with: 0, 1 or ab.")
@on_quilt
def new(run: QuiltRun, name: str, strip: str | None) -> None:
    """Make an empty patch NAME on top, and in the series behind the applied ones."""
    if strip not in (None, "0", "1", "ab"):
        raise BadInput(f"Cannot create patches with -p{strip}, please specify -p0, p1, or -pab instead")
    quilt = run.open()
    made = naming.new(quilt, name, strip=0 if strip == "0" else 1)
    run.say(f"Patch {quilt.shown(made)} is now on top")
    run.answer(lambda: {"command": "new", "patch": made})


@quilt_verb("fork", "Go on with a copy of the top patch.")
@click.argument("name", required=False)
@on_quilt
def fork(run: QuiltRun, name: str | None) -> None:
    """Put a copy of the top patch under a new name in its place; the old file stays."""
    quilt = run.open()
    done = naming.fork(quilt, name)
    done.write()
    run.say(f"Fork of patch {quilt.shown(done.old)} created as {quilt.shown(done.new)}")
    run.answer(lambda: {"command": "fork", "old": done.old, "new": done.new})


@quilt_verb("rename", "Rename a patch.")
@click.argument("name")
@click.option("-P", "patch", metavar="PATCH", help="Patch to rename. Default: the top.")
@on_quilt
def rename(run: QuiltRun, name: str, patch: str | None) -> None:
    """Call the top patch, or another one, NAME."""
    quilt = run.open()
    done = naming.rename(quilt, quilt.in_series(patch), name)
    done.write()
    run.say(f"Patch {quilt.shown(done.old)} renamed to {quilt.shown(done.new)}")
    run.answer(lambda: {"command": "rename", "old": done.old, "new": done.new})


@quilt_verb("delete", "Take a patch out of the series.")
@click.argument("patch", required=False)
@click.option("-n", "following", is_flag=True, help="The patch after the top one.")
@click.option("-r", "remove", is_flag=True, help="Delete the patch file too.")
@click.option("-f", "force", is_flag=True, help="Give up what was edited and not refreshed.")
@click.option("--backup", is_flag=True, help="With -r: keep the file as `name~`.")
@on_quilt
def delete(run: QuiltRun, patch: str | None, following: bool, remove: bool, force: bool, backup: bool) -> None:
    """Take the top patch, or another one that is not applied, out of the series; the top one is popped first."""
    if following and patch is not None:
        raise BadInput("-n and a patch exclude each other")
    quilt = run.open()
    if following:
        left = quilt.after(quilt.state.top)
        if not left:
            raise BadInput("No next patch")
        name = left[0]
    else:
        name = quilt.in_series(patch)
    done = naming.delete(quilt, name, run.reader(quilt), force=force)
    done.write(remove=remove, backup=backup or run.settings.backup)
    if done.popped is not None:
        popped = done.popped
        empty = popped.patches[0].empty
        run.say(
            f"Patch {quilt.shown(name)} appears to be empty, removing"
            if empty
            else f"Removing patch {quilt.shown(name)}"
        )
        run.say("No patches applied" if popped.top is None else f"Now at patch {quilt.shown(popped.top)}")
    run.say(f"Removed patch {quilt.shown(name)}")
    run.answer(lambda: {"command": "delete", "patch": name})
