# SPDX-License-Identifier: MIT
"""`mptcp-series fold`: another patch into the top one."""

from __future__ import annotations

import sys

import click

from ...engine.quilt.fold import fold as work_out
from ...errors import BadInput, NeedsPerson
from .command import quilt_verb
from .ingit import BASE, NO_ALIGN, OVERRIDES
from .push import FUZZ, say_files
from .run import QuiltRun, on_quilt

__all__ = ["fold"]


@quilt_verb("fold", "A patch from standard input into the top one; or in git.")
@click.argument("patch", required=False)
@click.option("--into", metavar="PATCH", help="In git: the patch of the queue that PATCH becomes part of.")
@BASE
@OVERRIDES
@NO_ALIGN
@click.option("-R", "reverse", is_flag=True, help="In reverse.")
@click.option("-p", "strip", type=click.IntRange(0, 999), metavar="N", default=1, help="Strip level. Default: 1.")
@click.option("-f", "force", is_flag=True, help="Take what fits; the rest goes to *.rej files.")
@FUZZ
@on_quilt
def fold(
    run: QuiltRun,
    patch: str | None,
    into: str | None,
    base: str | None,
    overrides: str | None,
    no_align: bool,
    reverse: bool,
    strip: int,
    force: bool,
    fuzz: int | None,
) -> None:
    """In a quilt directory: apply a patch from standard input, its files taken into the top patch; then `refresh`.

    In git, with PATCH --into another one: make PATCH of the queue part of it; the queue comes to the same files.

    Exit status 1: it does not apply, or collides on the way; nothing was done.
    """
    if (patch is None) != (into is None):
        raise BadInput("a patch of the queue is folded with `fold PATCH --into PATCH`")
    if patch is not None and into is not None:
        from .reshape import fold_in_git

        fold_in_git(run, patch, into, base=base, overrides=overrides, align=not no_align)
        return
    quilt = run.open()
    data = sys.stdin.buffer.read()
    if not data.strip():
        raise BadInput("no patch on standard input")
    level = run.settings.fuzz if fuzz is None else fuzz
    reader = run.reader(quilt)
    done = work_out(
        quilt, data, strip=strip, reverse=reverse, force=force, fuzz=level, below=run.top.below, blobs=run.blobs(reader)
    )
    done.write()
    say_files(run, done.patch, rejects=force)
    run.answer(
        lambda: {
            "command": "fold",
            "patch": done.patch.name,
            "folded": not done.refused,
            "files": [file.path for file in done.applied.files],
        }
    )
    if done.refused:
        raise NeedsPerson([*map(str, done.patch.problems()), "nothing was changed"])
