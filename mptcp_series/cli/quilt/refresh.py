# SPDX-License-Identifier: MIT
"""`mptcp-series refresh`: edits go into the patch."""

from __future__ import annotations

import functools

import attrs
import click

from ...engine.quilt.queue import Quilt
from ...engine.quilt.refresh import Refresh, split_off
from ...engine.quilt.refresh import refresh as work_out
from ...errors import BadInput
from .command import quilt_verb
from .ingit import DIRECTORY, ends_as_others
from .run import CONTEXT_FORM, QuiltRun, diff_format, on_quilt

__all__ = ["refresh", "refresh_lines"]


def _tell(run: QuiltRun, quilt: Quilt, done: Refresh) -> None:
    name = quilt.shown(done.name)
    for note in done.notes:
        lines = ",".join(map(str, note.lines))
        plural = "s" if len(note.lines) > 1 else ""
        if done.stripped:
            run.say(f"Removing trailing whitespace from line{plural} {lines} of {note.path}")
        else:
            run.say(f"Warning: trailing whitespace in line{plural} {lines} of {note.path}")
    for path in done.lost_modes:
        run.warn(f"{path}: its mode changed, which a patch of this form cannot say; a pop will undo it")
    if done.forked is not None:
        run.say(f"Fork of patch {quilt.shown(done.forked)} created as {name}")
    elif done.empty:
        run.say(f"Nothing in patch {name}")
    elif done.unchanged:
        run.say(f"Patch {name} is unchanged")
    else:
        run.say(f"Refreshed patch {name}")


def refresh_lines(run: QuiltRun, quilt: Quilt, name: str) -> None:
    """Refresh an applied patch by the settings, and say so."""
    done = work_out(quilt, name, run.reader(quilt), run.settings.diff)
    done.write(backup=run.settings.backup)
    _tell(run, quilt, done)


@quilt_verb("refresh", "Take edits into a patch.", optional={"-z": "--new-patch="})
@click.argument("patch", required=False)
@click.option("-p", "strip", metavar="N", help="Names in the patch: 0, 1 or ab.")
@click.option("-U", "context", type=click.IntRange(0, 9999), metavar="N", help="Lines of context.")
@click.option("-u", "unified", is_flag=True, help="A unified diff, the default.")
@CONTEXT_FORM[0]
@CONTEXT_FORM[1]
@click.option("-f", "force", is_flag=True, help="Of a patch below: leave out what patches above changed.")
@click.option("-z", "--new-patch", "new_name", metavar="NAME", help="Into a new patch on top.")
@click.option("--no-timestamps", is_flag=True, help="There never are any.")
@click.option("--no-index", is_flag=True, help="Without `Index:` lines.")
@click.option("--sort", is_flag=True, help="Files by name.")
@click.option("--diffstat", "stat", is_flag=True, help="With a summary of the changes in the header.")
@click.option("--backup", is_flag=True, help="Keep the old patch file as `name~`.")
@click.option("--strip-trailing-whitespace", "strip_blanks", is_flag=True, help="Take blanks off the ends of lines.")
@click.option("--accept", is_flag=True, help="Places that were guessed, and rejects, have been looked at.")
@DIRECTORY
@click.option("--override", is_flag=True, help="In git: into an override file, and not into the patch.")
@click.option("--reason", metavar="TEXT", help="With --override: why, for whoever reviews it.")
@click.option("--base-range", metavar="RANGE", help="With --override: the bases it is for, such as '>=5.10.209,<5.11'.")
@click.option("--add", "also", metavar="FILE", multiple=True, help="In git: this file belongs to the edit; repeatable.")
@click.option("--worktree", metavar="DIR", help="In git: the checkout that is edited in; as --dir.")
@click.option("--leave-conflicts", "leave", is_flag=True, help="In git: later patches may collide; `resolve` is next.")
@on_quilt
def refresh(
    run: QuiltRun,
    patch: str | None,
    strip: str | None,
    context: int | None,
    unified: bool,
    contextual: bool,
    old_context: int | None,
    force: bool,
    new_name: str | None,
    no_timestamps: bool,
    no_index: bool,
    sort: bool,
    stat: bool,
    backup: bool,
    strip_blanks: bool,
    accept: bool,
    directory: str | None,
    override: bool,
    reason: str | None,
    base_range: str | None,
    also: tuple[str, ...],
    worktree: str | None,
    leave: bool,
) -> None:
    """In a quilt directory: write the top patch, or an applied one, as its files are now.

    A patch that is right stays as it is, byte for byte; of one that is not, the files that are. A place that fuzz
    chose, or that was the nearest of several, is not taken for good before somebody has looked: `--accept`.

    In git, after `edit PATCH`: take what was edited into the patch, or into an override. The rest of the queue is
    replayed first; where that would need a person, it is told and nothing is written. With --leave-conflicts it is, and
    `mptcp-series resolve` answers what collides.
    """
    if directory is not None or worktree is not None or override or also or leave or run.means_git:
        from .gitedit import refresh_in_git

        if patch is not None:
            ends_as_others()
            raise BadInput("in git, `refresh` takes the patch that `edit` laid out; it is not named")
        if directory is not None and worktree is not None:
            ends_as_others()
            raise BadInput("--dir and --worktree exclude each other")
        refresh_in_git(
            run,
            directory=directory or worktree,
            override=override,
            reason=reason,
            base_range=base_range,
            add=also,
            leave=leave,
        )
        return
    quilt = run.open()
    context = old_context if context is None else context
    contextual = contextual or old_context is not None
    form = diff_format(run.settings, strip, context, no_index, contextual=contextual)
    if new_name is not None:
        if patch is not None:
            raise BadInput("Can only refresh the topmost patch with -z currently")
        if stat:
            raise BadInput("--diffstat goes without -z; refresh the new patch with it")
        done = split_off(quilt, run.reader(quilt), form, new_name or None)
    else:
        name = quilt.applied_patch(patch)
        explicit = _is_explicit()
        if strip is None:
            level = quilt.entry(name).strip
            form = attrs.evolve(form, strip=level) if level in (0, 1) else form
        how = functools.partial(
            work_out,
            quilt,
            name,
            run.reader(quilt),
            form,
            explicit=explicit,
            sort=sort,
            force=force,
            accept=accept,
            strip=strip_blanks,
        )
        asked = "--diffstat" in click.get_current_context().meta["given"]
        done = how(stat=asked)
        if stat and not asked and not done.unchanged:
            # In QUILT_REFRESH_ARGS it is part of the form, and no reason to write.
            done = how(stat=True)
    done.write(backup=backup or run.settings.backup)
    _tell(run, quilt, done)
    run.answer(
        lambda: {"command": "refresh", "patch": done.name, "changed": not done.unchanged, "forked_from": done.forked}
    )


def _is_explicit() -> bool:
    """Whether a form was asked for on this command line, not in QUILT_REFRESH_ARGS."""
    words = click.get_current_context().meta["given"]
    return any(word == "--no-index" or word.startswith(("-p", "-U", "-u", "-C", "-c")) for word in words)
