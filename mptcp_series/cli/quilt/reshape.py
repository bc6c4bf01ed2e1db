# SPDX-License-Identifier: MIT
"""`mptcp-series split` and `reorder`: other patches, the same result."""

from __future__ import annotations

import click

from ...engine.resolving.job import Job
from ...errors import BadInput
from ...values.override import DropTarget
from .command import quilt_verb
from .ingit import BASE, NO_ALIGN, OVERRIDES, edit_job, ends_as_others, git_run, tell_taken, told
from .run import QuiltRun, on_quilt

__all__ = ["fold_in_git", "reorder", "split"]


@quilt_verb("split", "Make two patches of one, in git.")
@click.argument("patch")
@click.argument("new", required=False)
@click.option("--file", "files", metavar="FILE", multiple=True, help="This file goes to the new patch; repeatable.")
@click.option("--hunk", "hunks", metavar="FILE#ID", multiple=True, help="This hunk does; repeatable.")
@click.option("--subject", metavar="TEXT", help="Subject of the new patch. Default: that of the old one, `part 2`.")
@BASE
@OVERRIDES
@NO_ALIGN
@on_quilt
def split(
    run: QuiltRun,
    patch: str,
    new: str | None,
    files: tuple[str, ...],
    hunks: tuple[str, ...],
    subject: str | None,
    base: str | None,
    overrides: str | None,
    no_align: bool,
) -> None:
    """Put some files or hunks of PATCH into a patch NEW right behind it; the queue comes to the same files.

    Hunks are named as overrides name them, FILE#ID. `split PATCH` alone lists them.
    """
    from ...engine.editing.reshape import split as work_out

    ends_as_others()
    if new is None:
        if files or hunks:
            raise BadInput("name the new patch behind PATCH: `split PATCH NEW --file FILE`")
        _list_hunks(run, patch, edit_job(run, git_run(run, base, overrides), align=not no_align))
        return
    parts = [DropTarget.parse(text) for text in (*files, *hunks)]
    if not parts:
        raise BadInput(f"name what goes to the new patch, with --file or --hunk; `split {patch}` lists the hunks")
    if wrong := [text for text in files if "#" in text] + [text for text in hunks if "#" not in text]:
        raise BadInput(f"{wrong[0]!r}: --file takes a file, --hunk takes FILE#ID")
    job = edit_job(run, git_run(run, base, overrides), align=not no_align)
    queue = job.queue()
    with told(run, "split"):
        taken = work_out(job, queue, job.replay(queue), patch, new, parts, subject)
    tell_taken(run, "split", taken, taken.write())


def _list_hunks(run: QuiltRun, patch: str, job: Job) -> None:
    """Say which hunks a patch has, by the names --hunk takes."""
    from ...engine.editing.point import find_point
    from ..inspection import named_hunks

    queue = job.queue()
    point = find_point(queue, job.replay(queue), patch)
    found = [
        (file.path, identifier, " ".join(hunk.render().split(b"\n", 1)[0].decode("utf-8", "surrogateescape").split()))
        for file in named_hunks(point.objects, point.item)
        for identifier, hunk in file.hunks
    ]
    for path, identifier, header in found:
        run.say(f"{path}#{identifier} {header}")
    run.answer(
        lambda: {
            "command": "split",
            "patch": point.item.name,
            "hunks": [{"path": path, "hunk": identifier, "header": header} for path, identifier, header in found],
        }
    )


@quilt_verb("reorder", "Move a patch within the queue, in git.")
@click.argument("patch")
@click.option("--before", "ahead", metavar="PATCH", help="Right before this one.")
@click.option("--after", "behind", metavar="PATCH", help="Right behind this one.")
@BASE
@OVERRIDES
@NO_ALIGN
@on_quilt
def reorder(
    run: QuiltRun,
    patch: str,
    ahead: str | None,
    behind: str | None,
    base: str | None,
    overrides: str | None,
    no_align: bool,
) -> None:
    """Put PATCH elsewhere in the series; the queue comes to the same files, or nothing is written.

    Exit status 1: something collides on the way; it is told.
    """
    from ...engine.editing.reshape import reorder as work_out

    ends_as_others()
    if (ahead is None) == (behind is None):
        raise BadInput("name where to, with --before or --after")
    job = edit_job(run, git_run(run, base, overrides), align=not no_align)
    queue = job.queue()
    with told(run, "reorder"):
        taken = work_out(job, queue, job.replay(queue), patch, ahead=ahead, behind=behind)
    tell_taken(run, "reorder", taken, taken.write())


def fold_in_git(run: QuiltRun, patch: str, into: str, *, base: str | None, overrides: str | None, align: bool) -> None:
    """Make a patch of the queue part of another one."""
    from ...engine.editing.reshape import fold

    job = edit_job(run, git_run(run, base, overrides), align=align)
    queue = job.queue()
    with told(run, "fold"):
        taken = fold(job, queue, job.replay(queue), patch, into)
    tell_taken(run, "fold", taken, taken.write())
