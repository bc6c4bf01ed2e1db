# SPDX-License-Identifier: MIT
"""`edit` and `refresh` in git: a patch of the queue laid out, and taken back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ...engine.editing.place import EditPlace, begin, end, find_again, read_edit
from ...engine.editing.point import find_point
from ...engine.editing.taking import take, take_as_override
from ...errors import BadInput, NothingToDo
from ...values.version import VersionRange
from .ingit import edit_job, edit_place, ends_as_others, git_run, tell_taken
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
    job = edit_job(settings, align=align)
    queue = job.queue()
    point = find_point(queue, job.replay(queue), patch)
    state = begin(place, job, point, also)
    option = f" --dir {shlex.quote(directory or worktree or '')}" if directory or worktree else ""
    for path in state.files:
        run.say(_shown(place.top / path))
    run.say(f"{state.patch} on {point.result.base.rev}: edit these files, then `mptcp-series refresh{option}`")
    run.answer(
        lambda: {
            "command": "edit",
            "patch": state.patch,
            "directory": str(place.directory),
            "files": [str(place.top / path) for path in state.files],
        }
    )


def _open(run: QuiltRun, directory: str | None) -> EditPlace:
    place = edit_place(git_run(run, None, None), directory)
    found = EditPlace.find(place.directory)
    if found is None:
        raise BadInput(f"no edit is under way in {place.directory}; `mptcp-series edit PATCH` begins one")
    return found


def abort_edit(run: QuiltRun, directory: str | None, worktree: str | None) -> None:
    """Give an edit up."""
    place = _open(run, worktree or directory)
    point = None
    if place.checkout:
        state = place.read_state()
        point = find_again(place, state, state.job())
    end(place, point)
    run.say(f"gave the edit in {place.directory} up")
    run.answer(lambda: {"command": "edit", "directory": str(place.directory), "patch": None, "files": []})


def refresh_in_git(
    run: QuiltRun,
    *,
    directory: str | None,
    override: bool,
    reason: str | None,
    base_range: str | None,
    add: Sequence[str],
) -> None:
    """Take what was edited into the patch, or into an override."""
    ends_as_others()
    if override and not (reason or "").strip():
        raise BadInput("--override needs --reason TEXT: why, for whoever reviews it")
    if (reason is not None or base_range is not None) and not override:
        raise BadInput("--reason and --base-range go with --override")
    place = _open(run, directory)
    state = place.read_state()
    job = state.job()
    point = find_again(place, state, job)
    wanted = read_edit(place, state, point, add)
    if not override:
        try:
            taken = take(job, point, wanted)
        except NothingToDo as unchanged:
            run.say(str(unchanged))
            run.answer(lambda: {"command": "refresh", "files": [], "tree": point.result.tree, "reasons": []})
            return
        names = taken.write()
        end(place, point if place.checkout else None, wanted)
        tell_taken(run, "refresh", taken, names)
        return
    made = take_as_override(job, point, wanted, None if base_range is None else VersionRange(text=base_range))
    made.write(reason or "")
    end(place, point if place.checkout else None, wanted)
    run.say(f"wrote {_shown(made.path)}")
    run.say(f"{state.patch} is as it was left with it, on {made.result.base.rev}")
    run.answer(
        lambda: {
            "command": "refresh",
            "files": [str(made.path)],
            "tree": made.result.tree,
            "override": made.override.file,
        }
    )


def _shown(path: Path) -> str:
    """The path as one would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
