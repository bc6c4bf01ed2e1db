# SPDX-License-Identifier: MIT
"""Where a patch in the middle of a queue is edited: a directory of its own, or a checkout that somebody has.

A directory of its own holds `tree/` with the patch's files, and `state.json`. Of a checkout (a git worktree or a plain
source directory that has the base's files) the files that the queue changes are written as they are with the patch,
and what was edited is told from that: by git where it is a worktree, else file by file. No edit is written over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import pygit2
from pygit2.enums import FileStatus

from ...errors import BadInput, NeedsPerson
from ...values.paths import check_tree_path
from ..directory.changes import EXECUTABLE, LINK, FileState, recover, write_changes
from ..directory.rooted import Rooted
from ..resolving.job import Job
from ..store.files import replace_file
from ..store.objects import REGULAR, SUBMODULE, Entry, Objects, Oid, hexed
from ..store.tree import TreeEditor
from .point import Point, find_point, step_trees

__all__ = ["STATE", "EditPlace", "EditState", "begin", "end", "find_again", "read_edit"]

STATE = "state.json"
_CHECKOUT_STATE = ".mptcp-series-edit.json"
_JOURNAL = ".mptcp-series.journal"
_SCHEMA = 1


@attrs.frozen(kw_only=True)
class EditState:
    """What an edit was begun with. Paths of the machine are absolute."""

    series: str
    source: str | None
    sources: Mapping[str, str]
    repo: str
    rev: str | None
    commit: str | None
    overrides: tuple[str, ...] | None
    align: bool
    patch: str
    queue: str
    """Digest of the series file and the recipe."""
    tree: str
    """The tree with the patch."""
    files: tuple[str, ...]
    """What was laid out."""
    checkout: bool

    def render(self) -> bytes:
        document = {"schema": _SCHEMA, **attrs.asdict(self)}
        return _encoded({**document, "digest": _digest(document)}) + b"\n"

    @classmethod
    def parse(cls, data: bytes, file: str) -> EditState:
        """Read it back. Raises BadInput for a file that is not as it was written."""
        hint = "begin the edit anew; what you edited stays where it is"
        try:
            document = json.loads(data)
            schema, digest = document["schema"], document.pop("digest")
            if schema != _SCHEMA:
                raise BadInput(f"made by another version (schema {schema!r}); {hint}", file=file)
            if digest != _digest(document):
                raise BadInput(f"changed by hand or cut off: its digest does not fit; {hint}", file=file)
            document.pop("schema")
            overrides = document.pop("overrides")
            files = tuple(document.pop("files"))
            state = cls(**document, files=files, overrides=None if overrides is None else tuple(overrides))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"damaged: {error}; {hint}", file=file) from None
        for path in state.files:
            if trouble := check_tree_path(path):
                raise BadInput(f"damaged: unsafe path {path!r}: {trouble}", file=file)
        return state

    def job(self) -> Job:
        return Job(
            series=self.series,
            repo=self.repo,
            base=self.rev,
            source=self.source,
            overrides=self.overrides,
            align=self.align,
            sources={name: Path(place) for name, place in self.sources.items()},
        )


def _encoded(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii")


def _digest(document: object) -> str:
    return hashlib.sha256(_encoded(document)).hexdigest()


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))


@attrs.frozen(kw_only=True)
class EditPlace:
    """The directory, absolute. checkout: whether it is somebody's tree."""

    directory: Path = attrs.field(converter=_absolute)
    checkout: bool = False

    @property
    def state_file(self) -> Path:
        return self.directory / (_CHECKOUT_STATE if self.checkout else STATE)

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


def begin(place: EditPlace, job: Job, point: Point, also: Iterable[str] = ()) -> EditState:
    """Lay the tree at a patch out. Raises BadInput where that would write over something.

    also: more files of the tree.
    """
    if EditPlace.find(place.directory) is not None:
        raise BadInput(f"an edit is under way in {place.directory}; `refresh` takes it, `edit --abort` gives it up")
    tree = TreeEditor(point.objects, point.after)
    paths = [*point.paths, *also]
    for path in paths:
        if trouble := check_tree_path(path):
            raise BadInput(f"unsafe path {path!r}: {trouble}")
    for path in also:
        if tree.get(path) is None:
            raise BadInput(f"{path} is not in the tree at {point.item.name}; make it in {place.top} and say --add")
    before: dict[str, FileState | None] | None = None
    if place.checkout:
        before, paths = _of_checkout(place, point, paths)
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
    )
    place.top.mkdir(parents=True, exist_ok=True)
    write_changes(place.top, files, journal=place.top / _JOURNAL, before=before)
    replace_file(place.state_file, state.render())
    return state


def _of_checkout(place: EditPlace, point: Point, paths: Sequence[str]) -> tuple[dict[str, FileState | None], list[str]]:
    """What a checkout has at the paths the queue changes; it has to be the base's, or an edit would be written over."""
    if not place.directory.is_dir():
        raise BadInput(f"{place.directory}: no such directory; --worktree names a checkout of the base")
    recover(place.directory, place.directory / _JOURNAL)
    steps = point.result.steps
    upto = steps[: [step.name for step in steps].index(point.item.name) + 1]
    touched = dict.fromkeys([*(change.path for step in upto for change in step.changes), *paths])
    base = TreeEditor(point.objects, _base_tree(point))
    before: dict[str, FileState | None] = {}
    wrong = []
    with Rooted(place.directory) as rooted:
        for path in touched:
            there, wanted = rooted.read(path), _state(point.objects, base.get(path))
            before[path] = there
            if _plain(there) != _plain(wanted):
                wrong.append(f"{place.directory / path} is not as {point.result.base.rev} has it")
    if wrong:
        raise BadInput("\n".join([*wrong, "nothing was written; the checkout has to be a clean one of the base"]))
    return before, list(touched)


def _base_tree(point: Point) -> Oid:
    return step_trees(point.objects, point.result.steps[0])[0]


def _plain(state: FileState | None) -> tuple[bytes, int] | None:
    return None if state is None else (state.data, state.mode)


def _state(objects: Objects, entry: Entry | None) -> FileState | None:
    if entry is None or entry.mode == SUBMODULE:
        return None
    mode = LINK if entry.mode == LINK else EXECUTABLE if entry.mode & 0o100 else REGULAR
    return FileState(data=objects.read(entry.oid), mode=mode)


def find_again(place: EditPlace, state: EditState, job: Job) -> Point:
    """The patch that was laid out, come to again. Raises BadInput where something has changed under it."""
    if job.digest() != state.queue:
        raise BadInput(_stale(place, f"the series in {state.series} has changed since the edit was begun"))
    queue = job.queue()
    result = job.replay(queue)
    if result.base.commit != state.commit:
        raise BadInput(_stale(place, f"the base {state.rev} is another commit now"))
    point = find_point(queue, result, state.patch)
    if hexed(point.after) != state.tree:
        raise BadInput(_stale(place, f"the tree at {state.patch} has changed; a patch or an override was edited"))
    return point


def _stale(place: EditPlace, why: str) -> str:
    return f"stale: {why}; your edits are in {place.top}: copy what you need, and begin anew"


def read_edit(place: EditPlace, state: EditState, point: Point, add: Iterable[str] = ()) -> dict[str, Entry | None]:
    """The files as somebody left them. Raises NeedsPerson for files that are not the patch's and were not added."""
    added = set(add)
    known = set(state.files) | added
    other = sorted(_edited_elsewhere(place, point) - known)
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
                wanted[path] = was if was is not None and was.mode == SUBMODULE else None
                continue
            mode = there.mode
            if was is not None and was.mode >> 12 == mode >> 12 and was.mode & 0o100 == mode & 0o100:
                mode = was.mode  # Old trees have modes that a file system does not tell apart.
            wanted[path] = Entry(mode, point.objects.write("blob", there.data))
    return wanted


def _edited_elsewhere(place: EditPlace, point: Point) -> set[str]:
    """Files besides those laid out that may have been edited."""
    if not place.checkout:
        found = set()
        for directory, names, files in os.walk(place.top):
            links = [name for name in names if os.path.islink(os.path.join(directory, name))]
            found |= {os.path.relpath(os.path.join(directory, name), place.top) for name in (*files, *links)}
        return {name for name in found if not name.startswith(".mptcp-series")}
    if not (place.directory / ".git").exists():
        return set()
    repo = pygit2.Repository(str(place.directory))
    ignored = FileStatus.IGNORED
    found = {path for path, flags in repo.status(untracked_files="all").items() if flags and not flags & ignored}
    return {path for path in found if not path.startswith(".mptcp-series")}


def end(place: EditPlace, point: Point | None, edited: Iterable[str] = ()) -> None:
    """The edit is over: a directory of its own goes; a checkout is put back as the base has it.

    point: where a checkout was; None leaves its files as they are. edited: files that were edited in it.
    """
    if not place.checkout:
        shutil.rmtree(place.directory)
        return
    if point is not None:
        base = _base_tree(point)
        tree = TreeEditor(point.objects, base)
        paths = {*(change.path for step in point.result.steps for change in step.changes), *edited}
        files = {path: _state(point.objects, tree.get(path)) for path in sorted(paths)}
        write_changes(place.directory, files, journal=place.directory / _JOURNAL)
    place.state_file.unlink()
