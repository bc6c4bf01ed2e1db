# SPDX-License-Identifier: MIT
"""`mptcp-series edit`: files of the top patch in an editor; or, in git, the tree at a patch of the queue."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import click

from ...engine.quilt.membership import remove
from ...errors import BadInput, EnvironmentFault, NeedsPerson
from .command import quilt_verb
from .ingit import BASE, DIRECTORY, NO_ALIGN, OVERRIDES, ends_as_others
from .members import add_files
from .run import QuiltRun, on_quilt

__all__ = ["edit"]


@quilt_verb("edit", "Edit files of the top patch; or a patch of a queue in git.")
@click.argument("what", nargs=-1, metavar="FILE... | PATCH")
@BASE
@OVERRIDES
@DIRECTORY
@click.option("--worktree", metavar="DIR", help="In git: lay out in this checkout of the base.")
@click.option("--add", "also", metavar="FILE", multiple=True, help="In git: this file of the tree too; repeatable.")
@click.option("--abort", is_flag=True, help="In git: give the edit up, and what was edited.")
@NO_ALIGN
@on_quilt
def edit(
    run: QuiltRun,
    what: tuple[str, ...],
    base: str | None,
    overrides: str | None,
    directory: str | None,
    worktree: str | None,
    also: tuple[str, ...],
    abort: bool,
    no_align: bool,
) -> None:
    """In a quilt directory: take FILEs into the top patch and open them in $EDITOR.

    In git: lay out the files of PATCH as they are with it, the queue below it on the base; edit them, then `refresh`.
    """
    if abort or base or directory or worktree or also or overrides or run.means_git:
        from .gitedit import abort_edit, begin_edit

        ends_as_others()
        if abort:
            if what:
                raise BadInput("--abort goes without a patch")
            abort_edit(run, directory, worktree)
            return
        if len(what) != 1:
            raise BadInput(
                "name one patch of the queue, `edit PATCH`; `edit FILE...` is for a tree with applied patches"
            )
        begin_edit(
            run,
            what[0],
            base=base,
            overrides=overrides,
            directory=directory,
            worktree=worktree,
            also=also,
            align=not no_align,
        )
        return
    if not what:
        raise BadInput("Missing argument 'FILE...'")
    _edit_files(run, what)


def _edit_files(run: QuiltRun, file: tuple[str, ...]) -> None:
    refused, only_known = add_files(run, None, file)
    if refused and not only_known:
        raise NeedsPerson(refused)
    for line in refused:
        click.echo(line, err=True)
    quilt = run.open()
    paths = [run.top.path(one) for one in file]
    status = _open_editor(quilt.root, paths)
    quilt = run.open()
    top = quilt.top()
    unmade = [
        path
        for path in paths
        if quilt.rooted.status(path) is None and quilt.state.has(top, path) and quilt.state.backup(top, path) is None
    ]
    if unmade:
        done = remove(quilt, top, unmade)
        done.write()
        for path in unmade:
            run.say(f"File {path} removed from patch {quilt.shown(top)}")
        run.answer(lambda: {"command": "edit", "removed": unmade})
    if status:
        raise NeedsPerson([f"the editor ended with status {status}"])
    if unmade:
        raise NeedsPerson([])


def _open_editor(top: Path, paths: list[str]) -> int:
    """Run the editor at the tree's top; its exit status."""
    editor = os.environ.get("EDITOR") or "vi"
    try:
        return subprocess.run([*shlex.split(editor), *paths], cwd=top, check=False).returncode
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"cannot run the editor {editor!r}: {error}") from error
