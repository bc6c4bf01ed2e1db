# SPDX-License-Identifier: MIT
"""Where a patch in the middle of a queue is edited: a directory of its own, or a checkout that somebody has.

A directory of its own holds `tree/` with the patch's files, and `state.json`. Of a checkout (a git worktree or a plain
source directory that has the base's files) the files that the queue changes are written as they are with the patch,
and what was edited is told from that: by git where it is a worktree, else file by file. No edit is written over.

The state is written before the files and taken away after them, and says in between that it is not complete: after a
kill nothing is taken for an edit that is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, NeedsPerson, StaleEdit
from ...values.paths import check_tree_path
from ..directory.changes import EXECUTABLE, LINK, FileState, recover, write_changes
from ..directory.rooted import Rooted
from ..resolving.job import Job
from ..result import Result
from ..store.files import replace_file
from ..store.objects import REGULAR, SUBMODULE, Entry, Objects, hexed
from ..store.repository import open_repository
from ..store.tree import TreeEditor
from .checkout import changed_files, read_head, untracked_files
from .point import Point, base_tree, find_point, tree_of
from .state import EditState
from .taking import edited_tree

__all__ = [
    "BaseFiles",
    "EditPlace",
    "begin",
    "end",
    "find_again",
    "read_edit",
    "recover_edit",
    "taken_already",
]

_STATE = "state.json"
_CHECKOUT_STATE = ".mptcp-series-edit.json"
_JOURNAL = ".mptcp-series.journal"
_NAMED = 8
"""How many files one message names."""


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))


@attrs.frozen(kw_only=True)
class EditPlace:
    """The directory, absolute. checkout: whether it is somebody's tree."""

    directory: Path = attrs.field(converter=_absolute)
    checkout: bool = False

    @property
    def state_file(self) -> Path:
        return self.directory / (_CHECKOUT_STATE if self.checkout else _STATE)

    @property
    def top(self) -> Path:
        """Where the tree's files are."""
        return self.directory if self.checkout else self.directory / "tree"

    @classmethod
    def find(cls, directory: Path) -> EditPlace | None:
        """The edit that is under way in a directory, None where there is none."""
        for checkout in (False, True):
            place = cls(directory=directory, checkout=checkout)
            if place.state_file.is_file():
                return place
        return None

    def read_state(self) -> EditState:
        return EditState.parse(self.state_file.read_bytes(), str(self.state_file))


@attrs.frozen(kw_only=True, eq=False)
class BaseFiles:
    """The files of a base."""

    objects: Objects
    tree: TreeEditor

    @classmethod
    def of(cls, result: Result) -> BaseFiles:
        return cls(objects=result.objects, tree=TreeEditor(result.objects, base_tree(result)))

    @classmethod
    def again(cls, state: EditState, job: Job) -> BaseFiles:
        """Those an edit was begun on, whatever has become of the queue; a plain directory is read with the queue."""
        if state.commit is None:
            return cls.of(job.replay(job.queue()))
        objects = Objects(open_repository(state.repo))
        return cls(objects=objects, tree=TreeEditor(objects, tree_of(objects, bytes.fromhex(state.commit))))

    def state(self, path: str) -> FileState | None:
        return _state(self.objects, self.tree.get(path))


def begin(place: EditPlace, job: Job, point: Point, also: Iterable[str] = ()) -> EditState:
    """Lay the tree at a patch out. Raises BadInput where that would write over something.

    also: more files of the tree.
    """
    if EditPlace.find(place.directory) is not None:
        raise BadInput(
            f"an edit is under way in {place.directory}; `refresh` takes it, `edit --abort` gives it up, both with the "
            "--dir or --worktree it was begun with"
        )
    tree = TreeEditor(point.objects, point.after)
    paths = [*point.paths, *also]
    for path in paths:
        if trouble := check_tree_path(path):
            raise BadInput(f"unsafe path {path!r}: {trouble}")
    for path in also:
        if tree.get(path) is None:
            raise BadInput(
                f"{path} is not in the tree at {point.item.name}; make it after `edit`, and say `refresh --add {path}`"
            )
    before: dict[str, FileState | None] | None = None
    head, untracked = None, set[str]()
    if place.checkout:
        before, paths = _of_checkout(place, point, paths)
        head, untracked = _of_worktree(place, point)
    elif place.directory.exists() and any(place.directory.iterdir()):
        raise BadInput(f"{place.directory} is not empty, and no edit made it; name another place with --dir")
    files = {path: _state(point.objects, tree.get(path)) for path in dict.fromkeys(paths)}
    state = EditState(
        series=str(job.series),
        source=None if job.source is None else str(job.source),
        sources={name: str(path) for name, path in job.sources.items()},
        repo=str(job.repo),
        rev=job.base,
        commit=point.result.base.commit,
        overrides=None if job.overrides is None else tuple(map(str, job.overrides)),
        align=job.align,
        patch=point.item.name,
        queue=job.digest(),
        tree=hexed(point.after),
        files=tuple(files),
        checkout=place.checkout,
        head=head,
        untracked=tuple(sorted(untracked)),
    )
    place.top.mkdir(parents=True, exist_ok=True)
    _note(place, attrs.evolve(state, complete=False))
    try:
        write_changes(place.top, files, journal=place.top / _JOURNAL, before=before)
    except Exception:
        place.state_file.unlink()
        raise
    _note(place, state)
    return state


def _note(place: EditPlace, state: EditState) -> None:
    replace_file(place.state_file, state.render())


def _of_checkout(place: EditPlace, point: Point, paths: Sequence[str]) -> tuple[dict[str, FileState | None], list[str]]:
    """What a checkout has at the paths the queue changes; it has to be the base's, or an edit would be written over."""
    if not place.directory.is_dir():
        raise BadInput(f"{place.directory}: no such directory; --worktree names a checkout of the base")
    steps = point.result.steps
    upto = steps[: [step.name for step in steps].index(point.item.name) + 1]
    touched = dict.fromkeys([*(change.path for step in upto for change in step.changes), *paths])
    base = BaseFiles.of(point.result)
    before: dict[str, FileState | None] = {}
    wrong, absent = [], False
    with Rooted(place.directory) as rooted:
        for path in touched:
            there, wanted = rooted.read(path), base.state(path)
            before[path] = there
            if _plain(there) != _plain(wanted):
                absent = absent or there is None
                how = "is not there" if there is None else f"is not as {point.result.base.rev} has it"
                wrong.append(f"{place.directory / path} {how}")
    if wrong:
        advice = "; `git sparse-checkout add` brings directories that were left out" if absent else ""
        raise BadInput(
            "\n".join([*_some(wrong), f"nothing was written; the checkout has to be a clean one of the base{advice}"])
        )
    return before, list(touched)


def _some(lines: Sequence[str]) -> list[str]:
    """The first of many."""
    more = len(lines) - _NAMED
    return [*lines[:_NAMED], f"and {more} more"] if more > 0 else list(lines)


def _of_worktree(place: EditPlace, point: Point) -> tuple[str | None, set[str]]:
    """The commit a git worktree has checked out and what lies about in it; None where it is none.

    Edits of other files than the queue's are taken too, so none may be there before.
    """
    head = read_head(place.directory)
    if head is None:
        return None, set()
    rev = point.result.base.rev
    if point.result.base.commit is not None and head.tree != hexed(base_tree(point.result)):
        raise BadInput(
            f"{place.directory} has {head.commit[:12]} checked out, which is not {rev}; "
            f"`git checkout --detach {rev}` there"
        )
    changed = [f"{place.directory / path} is edited" for path in sorted(changed_files(place.directory, head.commit))]
    if changed:
        raise BadInput(
            "\n".join([*_some(changed), "nothing was written; the checkout has to be a clean one of the base"])
        )
    return head.commit, untracked_files(place.directory)


def _plain(state: FileState | None) -> tuple[bytes, int] | None:
    return None if state is None else (state.data, state.mode)


def _state(objects: Objects, entry: Entry | None) -> FileState | None:
    if entry is None or entry.mode == SUBMODULE:
        return None
    mode = LINK if entry.mode == LINK else EXECUTABLE if entry.mode & 0o100 else REGULAR
    return FileState(data=objects.read(entry.oid), mode=mode)


def recover_edit(place: EditPlace) -> None:
    """Finish or undo what a killed run was writing to a checkout. Raises what `recover` raises."""
    if place.checkout:
        recover(place.directory, place.directory / _JOURNAL)


def find_again(place: EditPlace, state: EditState, job: Job) -> Point:
    """The patch that was laid out, come to again. Raises StaleEdit where something has changed under it."""
    if not state.complete:
        raise BadInput(
            f"{place.directory}: laying the edit out, or putting it back, was cut short; "
            "`mptcp-series edit --abort` takes it away"
        )
    if job.digest() != state.queue:
        raise StaleEdit(_stale(place, f"the series in {state.series} has changed since the edit was begun"))
    queue = job.queue()
    result = job.replay(queue)
    if result.base.commit != state.commit:
        raise StaleEdit(_stale(place, f"the base {state.rev} is another commit now"))
    point = find_point(queue, result, state.patch)
    if hexed(point.after) != state.tree:
        raise StaleEdit(_stale(place, f"the tree at {state.patch} has changed; a patch or an override was edited"))
    return point


def _stale(place: EditPlace, why: str) -> str:
    return f"stale: {why}; your edits are in {place.top}: copy what you need, `edit --abort`, and begin anew"


def taken_already(place: EditPlace, state: EditState, job: Job, add: Iterable[str] = ()) -> Point | None:
    """The patch, where the queue gives the edited files by itself: a refresh was killed after it had written."""
    queue = job.queue()
    result = job.replay(queue)
    if result.base.commit != state.commit or all(step.name != state.patch for step in result.steps):
        return None
    point = find_point(queue, result, state.patch)
    wanted = read_edit(place, state, point, {*add, *point.paths})
    return point if edited_tree(point, wanted) == point.after else None


def read_edit(place: EditPlace, state: EditState, point: Point, add: Iterable[str] = ()) -> dict[str, Entry | None]:
    """The files as somebody left them. Raises NeedsPerson for files that are not the patch's and were not added."""
    added = set(add)
    known = set(state.files) | added
    other = sorted(_edited_elsewhere(place, state) - known)
    if other and not place.checkout:
        raise NeedsPerson(
            [f"{place.top / path}: not a file of the patch; take it away, or say --add {path}" for path in other]
        )
    wanted: dict[str, Entry | None] = {}
    tree = TreeEditor(point.objects, point.after)
    with Rooted(place.top) as rooted:
        for path in sorted(known | set(other)):
            if trouble := check_tree_path(path):
                raise BadInput(f"unsafe path {path!r}: {trouble}")
            there = rooted.read(path)
            was = tree.get(path)
            if there is None:
                if path not in state.files and not place.checkout and path not in point.paths:
                    raise BadInput(
                        f"{place.top / path}: no such file; --add takes what was made there, and "
                        f"`edit {state.patch} --add {path}` lays out a file that the tree has"
                    )
                wanted[path] = was if was is not None and was.mode == SUBMODULE else None
                continue
            mode = there.mode
            if was is not None and was.mode >> 12 == mode >> 12 and was.mode & 0o100 == mode & 0o100:
                mode = was.mode  # Old trees have modes that a file system does not tell apart.
            wanted[path] = Entry(mode, point.objects.write("blob", there.data))
    return wanted


def _edited_elsewhere(place: EditPlace, state: EditState) -> set[str]:
    """Files besides those laid out that may have been edited."""
    if place.checkout:
        if state.head is None:
            return set()
        new = untracked_files(place.directory) - set(state.untracked)
        return changed_files(place.directory, state.head) | new
    found = set()
    for directory, names, files in os.walk(place.top):
        links = [name for name in names if os.path.islink(os.path.join(directory, name))]
        found |= {os.path.relpath(os.path.join(directory, name), place.top) for name in (*files, *links)}
    return {name for name in found if not name.startswith(".mptcp-series")}


def end(place: EditPlace, state: EditState | None, base: BaseFiles | None, taken: Collection[str] = ()) -> list[str]:
    """The edit is over: a directory of its own goes; a checkout is put back as the base has it.

    state: None for one that is damaged, of a directory of its own. base: of a checkout. taken: files that are part of
    a patch or an override now. Gives the files that somebody made in a git worktree and that are nowhere else: they
    stay.
    """
    if not place.checkout:
        if state is not None:
            _note(place, attrs.evolve(state, complete=False))
        if place.top.exists():
            shutil.rmtree(place.top)
        place.state_file.unlink()
        shutil.rmtree(place.directory)
        return []
    assert state is not None
    assert base is not None
    _note(place, attrs.evolve(state, complete=False))
    elsewhere = _edited_elsewhere(place, state)
    kept = {path for path in elsewhere - {*taken, *state.files} if base.state(path) is None}
    files = {path: base.state(path) for path in {*state.files, *taken, *elsewhere} - kept}
    write_changes(place.directory, files, journal=place.directory / _JOURNAL)
    place.state_file.unlink()
    return sorted(kept)
