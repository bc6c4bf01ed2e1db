# SPDX-License-Identifier: MIT
"""`edit` and `refresh` in git: a patch of the queue laid out, and taken back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...engine.editing.edited import new_reasons
from ...engine.editing.place import (
    BaseFiles,
    EditPlace,
    begin,
    end,
    find_again,
    read_edit,
    recover_edit,
    taken_already,
)
from ...engine.editing.point import Point, find_point
from ...engine.editing.state import EditState
from ...engine.editing.taking import take, take_as_override
from ...engine.resolving.job import Job
from ...engine.result import Result
from ...engine.store.objects import Entry
from ...errors import BadInput, NeedsPerson, NothingToDo, StaleEdit
from ...values.version import VersionRange
from ..tables import counted
from .ingit import edit_job, edit_place, ends_as_others, git_run, recovered, tell_taken, told
from .run import QuiltRun

__all__ = ["abort_edit", "begin_edit", "refresh_in_git"]


def begin_edit(
    run: QuiltRun,
    patch: str,
    *,
    base: str | None,
    overrides: str | None,
    directory: str | None,
    worktree: str | None,
    also: Sequence[str],
    align: bool,
) -> None:
    """Lay out the tree at a patch."""
    settings = git_run(run, base, overrides)
    place = edit_place(settings, directory, worktree)
    job = edit_job(run, settings, align=align)
    queue = job.queue()
    point = find_point(queue, job.replay(queue), patch)
    state = begin(place, job, point, also)
    option = f" --dir {shlex.quote(directory or worktree or '')}" if directory or worktree else ""
    # A checkout gets all that the queue has changed so far, which is not what somebody came to edit.
    files = list(dict.fromkeys([*point.paths, *also]))
    for path in files:
        run.say(_shown(place.top / path))
    if others := len(state.files) - len(files):
        run.say(f"{counted(others, 'more file')} of the queue below it laid out")
    run.say(f"{state.patch} on {point.result.base.rev}: edit these files, then `mptcp-series refresh{option}`")
    _hush(run)
    run.answer(
        lambda: {
            "command": "edit",
            "patch": state.patch,
            "directory": str(place.directory),
            "files": [str(place.top / path) for path in files],
        }
    )


def _hush(run: QuiltRun) -> None:
    """Say nothing with -q."""
    if run.console.quiet:
        run.lines.clear()


def _open(run: QuiltRun, directory: str | None) -> EditPlace:
    place = edit_place(git_run(run, None, None), directory)
    found = EditPlace.find(place.directory)
    if found is None:
        raise BadInput(f"no edit is under way in {place.directory}; `mptcp-series edit PATCH` begins one")
    recover_edit(found)
    return found


def abort_edit(run: QuiltRun, directory: str | None, worktree: str | None) -> None:
    """Give an edit up."""
    place = _open(run, worktree or directory)
    try:
        state = place.read_state()
    except BadInput:
        if place.checkout:
            raise
        state = None
    base = BaseFiles.again(state, state.job()) if place.checkout and state is not None else None
    kept = end(place, state, base)
    for path in kept:
        run.say(f"{_shown(place.top / path)} is not known to git, and stays")
    run.say(f"gave the edit in {_shown(place.directory)} up")
    _hush(run)
    run.answer(lambda: {"command": "edit", "directory": str(place.directory), "patch": None, "files": []})


def refresh_in_git(
    run: QuiltRun,
    *,
    directory: str | None,
    override: bool,
    reason: str | None,
    base_range: str | None,
    add: Sequence[str],
    leave: bool,
) -> None:
    """Take what was edited into the patch, or into an override.

    leave: although later patches collide with it then; they are told, and are to be resolved.
    """
    ends_as_others()
    if override and not (reason or "").strip():
        raise BadInput("--override needs --reason TEXT: why, for whoever reviews it")
    if (reason is not None or base_range is not None) and not override:
        raise BadInput("--reason and --base-range go with --override")
    settings = git_run(run, None, None)
    place = edit_place(settings, directory)
    if EditPlace.find(place.directory) is None and recovered(run, settings.series()):
        return  # A split, a fold or a move was killed; it is done, or never was.
    place = _open(run, directory)
    state = place.read_state()
    job = state.job()
    recovered(run, job.series)
    try:
        point = find_again(place, state, job)
    except StaleEdit:
        known = taken_already(place, state, job, add)
        if known is None:
            raise
        _close(place, state, known, read_edit(place, state, known, {*add, *known.paths}))
        run.say(f"{state.patch} has the edit already: a run that had written it was killed")
        _unchanged(run, known)
        return
    wanted = read_edit(place, state, point, add)
    try:
        if override:
            allowed = None if base_range is None else VersionRange(text=base_range)
            _as_override(run, place, state, point, wanted, job, reason or "", allowed, leave=leave)
        else:
            _into_patch(run, place, state, point, wanted, job, leave=leave)
    except NothingToDo as unchanged:
        run.say(f"{unchanged}; `edit --abort` ends the edit")
        _unchanged(run, point)


def _unchanged(run: QuiltRun, point: Point) -> None:
    _hush(run)
    run.answer(lambda: {"command": "refresh", "files": [], "tree": point.result.tree, "reasons": []})


def _close(place: EditPlace, state: EditState, point: Point, wanted: Mapping[str, Entry | None]) -> None:
    end(place, state, BaseFiles.of(point.result) if place.checkout else None, wanted)


def _into_patch(
    run: QuiltRun,
    place: EditPlace,
    state: EditState,
    point: Point,
    wanted: Mapping[str, Entry | None],
    job: Job,
    *,
    leave: bool,
) -> None:
    with told(run, "refresh"):
        taken = take(job, point, wanted, leave=leave)
    names = taken.write()
    _close(place, state, point, wanted)
    tell_taken(run, "refresh", taken, names)
    _to_be_resolved(taken.before, taken.result)


def _as_override(
    run: QuiltRun,
    place: EditPlace,
    state: EditState,
    point: Point,
    wanted: Mapping[str, Entry | None],
    job: Job,
    reason: str,
    base_range: VersionRange | None,
    *,
    leave: bool,
) -> None:
    with told(run, "refresh"):
        made = take_as_override(job, point, wanted, base_range, leave=leave)
    made.write(reason)
    _close(place, state, point, wanted)
    run.say(f"wrote {_shown(made.path)}")
    run.say(f"{state.patch} is as it was left with it, on {made.result.base.rev}")
    _hush(run)
    run.answer(
        lambda: {
            "command": "refresh",
            "files": [str(made.path)],
            "tree": made.result.tree,
            "reasons": new_reasons(made.before, made.result),
            "override": made.override.file,
        }
    )
    _to_be_resolved(made.before, made.result)


def _to_be_resolved(before: Result, after: Result) -> None:
    """Raise NeedsPerson with the conflicts that were left."""
    if reasons := new_reasons(before, after):
        raise NeedsPerson([*reasons, "the edit is written; `mptcp-series resolve` opens the first conflict"])


def _shown(path: Path) -> str:
    """The path as one would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
