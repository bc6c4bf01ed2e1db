# SPDX-License-Identifier: MIT
"""An edit taken into its patch, or into an override: worked out, proven, and then written.

The queue is replayed with the new patch first. It must come to the very files that were left there, and what follows
must need no person that it did not need before; else nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, NeedsPerson, NothingToDo
from ...values.override import Override
from ...values.provenance import with_provenance
from ...values.result import EntryKind
from ...values.series import SeriesEntry
from ...values.version import KernelVersion, VersionRange
from ..queue import Queue, override_directories
from ..replay.change import BlobChange
from ..replay.item import RawCommit
from ..replay.overrides import find_target, override_file
from ..resolving.answer import DroppedHunk, capture
from ..resolving.file import default_range, free_name, named, override_bytes, override_home
from ..resolving.job import Job
from ..resolving.layout import lay_out
from ..result import Result
from ..store.files import replace_file
from ..store.objects import Entry, Objects, Oid, hexed
from ..store.tree import BlockedPath, TreeEditor
from .edited import edited, from_bytes, new_reasons
from .files import patch_bytes, stale_files, write_series
from .point import Point, step_trees

__all__ = ["Collision", "Overridden", "Taken", "take", "take_as_override"]

_STAYS = (
    "nothing was written, and the edit stays: edit on, or say --leave-conflicts and answer them with "
    "`mptcp-series resolve`"
)


class Collision(NeedsPerson):
    """What an edit would bring about further on.

    before, after: the results without it and with it.
    """

    def __init__(self, before: Result, after: Result, end: str, reasons: Sequence[str]) -> None:
        super().__init__([*reasons, end])
        self.before = before
        self.after = after


@attrs.frozen(kw_only=True, eq=False)
class Taken:
    """A queue with an edit in it, proven. `write` publishes it."""

    queue: Queue
    result: Result
    files: Mapping[str, bytes] = attrs.field(repr=False)
    """Patch files that change, by name."""
    before: Result
    unpinned: tuple[str, ...] = ()
    """Patches that were pins, and are files now."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def write(self) -> tuple[str, ...]:
        """Write them; the names of the files that changed."""
        return write_series(self.queue, self.files)


def edited_tree(point: Point, wanted: Mapping[str, Entry | None]) -> Oid:
    """The tree with the edit in it. Raises BadInput where a file and a directory want one path."""
    tree = TreeEditor(point.objects, point.after)
    try:
        for path, entry in sorted(wanted.items(), key=lambda item: (item[1] is not None, item[0])):
            tree.put(path, entry)
    except BlockedPath as blocked:
        raise BadInput(f"the edit cannot be put into the tree: {blocked}") from blocked
    return tree.write()


def changes_between(objects: Objects, before: Oid, after: Oid, paths: set[str]) -> tuple[BlobChange, ...]:
    """What differs at some paths."""
    old, new = TreeEditor(objects, before), TreeEditor(objects, after)
    found = [BlobChange(path=path, old_path=path, old=old.get(path), new=new.get(path)) for path in sorted(paths)]
    return tuple(change for change in found if change.old != change.new)


def raw_of(point: Point) -> RawCommit:
    """Who wrote a patch and what it says; of a pinned one with the commit it is, which the line no longer tells."""
    raw = point.item.raw
    if point.entry.pin is None:
        return raw
    return attrs.evolve(raw, message=with_provenance(raw.message, point.entry.pin))


def unpinned(entry: SeriesEntry) -> SeriesEntry:
    """The line of a patch that is a file now."""
    if entry.pin is None:
        return attrs.evolve(entry, reverse=False) if entry.reverse else entry
    comment = f"from {entry.pin}" + (f" {entry.comment}" if entry.comment else "")
    return attrs.evolve(entry, pin=None, comment=comment, strip=1, reverse=False)


def refuse_unwritable(point: Point) -> None:
    """Raise BadInput for a patch whose file cannot take an edit."""
    name = point.item.name
    if point.override is not None:
        raise BadInput(
            f"{name} has an override in force, {override_file(point.override)}, and what it makes of the patch cannot "
            "be told apart from the edit; --override takes the edit into the override"
        )
    if point.item.kind in (EntryKind.PREREQUISITE, EntryKind.INCLUDE):
        raise BadInput(
            f"{name} is a commit the recipe names ({point.item.kind.value}); take the edit into an override with "
            "--override"
        )


def take(job: Job, point: Point, wanted: Mapping[str, Entry | None], *, leave: bool = False) -> Taken:
    """Work out the queue with an edit in its patch. Nothing is written.

    wanted: files of the edited tree by path, None for one that was taken away.
    leave: conflicts of later patches are left in the result, for somebody to resolve.
    Raises NothingToDo where nothing was edited, NeedsPerson with what it would bring about, BadInput.
    """
    refuse_unwritable(point)
    tree = edited_tree(point, wanted)
    if tree == point.after:
        raise NothingToDo(f"Patch {point.item.name} is unchanged")
    changes = changes_between(point.objects, point.before, tree, {*point.paths, *wanted})
    if not changes:
        raise BadInput(
            f"nothing is left in {point.item.name}; take its line out of {point.queue.series.file} instead, or say "
            "--override, which leaves the patch out on some bases"
        )
    entry = unpinned(point.entry)
    data = patch_bytes(point.objects, point.queue, point.entry, raw_of(point), changes)
    series = point.queue.series.replace_entry(entry.name, entry)
    queue = edited(point.queue, series, {entry.name: from_bytes(point.queue, entry, data)})
    return prove(
        job, point.queue, queue, point.result, {entry.name: data}, {entry.name: tree}, stays=_STAYS, leave=leave
    )


def prove(
    job: Job,
    was: Queue,
    queue: Queue,
    before: Result,
    files: Mapping[str, bytes],
    trees: Mapping[str, Oid],
    *,
    stays: str = "nothing was written",
    leave: bool = False,
) -> Taken:
    """Replay an edited queue and hold it against what is wanted.

    trees: the tree with each of these entries. leave: conflicts are left in it. Raises Collision, BadInput.
    """
    result = job.replay(queue)
    reasons = new_reasons(before, result)
    if reasons and not leave:
        raise Collision(before, result, stays, reasons)
    steps = {step.name: step for step in result.steps}
    for name, tree in trees.items():
        if name not in steps or step_trees(result.objects, steps[name])[1] != tree:
            raise BadInput(
                f"{name} as it would be written does not give the files that were edited; nothing was written"
            )
    first = next(entry.name for entry in queue.series.entries if entry.name in files) if files else ""
    stale = {name: data for name, data in stale_files(queue, result, first).items() if name not in files}
    if stale:
        made = {name: from_bytes(queue, _entry(queue, name), data) for name, data in stale.items()}
        again = job.replay(edited(queue, queue.series, made))
        if again.tree != result.tree or new_reasons(result, again):
            raise BadInput(f"{', '.join(stale)}: cannot be brought along; nothing was written")
    pins = tuple(name for name in files if (old := was.series.find(name)) is not None and old.pin is not None)
    return Taken(queue=queue, result=result, files={**files, **stale}, before=before, unpinned=pins)


def _entry(queue: Queue, name: str) -> SeriesEntry:
    entry = queue.series.find(name)
    assert entry is not None
    return entry


@attrs.frozen(kw_only=True, eq=False)
class Overridden:
    """A queue with an edit as an override, proven. `write` publishes it."""

    path: Path
    override: Override
    hunks: tuple[DroppedHunk, ...] = attrs.field(repr=False)
    version: str
    result: Result
    before: Result

    def text(self, reason: str) -> bytes:
        """The override file. Raises BadOverride for a reason that says nothing."""
        return override_bytes(
            attrs.evolve(self.override, reason=reason), self.hunks, self.version, origin="Made by editing on"
        )

    def write(self, reason: str) -> None:
        replace_file(self.path, self.text(reason))


def take_as_override(
    job: Job,
    point: Point,
    wanted: Mapping[str, Entry | None],
    base_range: VersionRange | None = None,
    *,
    leave: bool = False,
) -> Overridden:
    """Work out an override that gives the edited files. Nothing is written.

    One in force for the patch is replaced by it. Arguments and errors as of `take`.
    """
    tree = edited_tree(point, wanted)
    if tree == point.after:
        raise NothingToDo(f"Patch {point.item.name} is unchanged")
    layout = lay_out(point.stuck())
    captured = capture(layout, {**point.files(point.after), **wanted})
    if not (captured.drop or captured.diff):
        raise BadInput("the edit is what the patch does by itself; take its override away instead")
    queue, old, item = point.queue, point.override, point.item
    items = queue.items(point.objects)
    kept = tuple(one for one in queue.overrides if one is not old)
    path = _override_path(job, queue, item.name, old)
    patch, commit = named(item, items)
    version = KernelVersion.parse(point.result.base.version)
    others = [one for one in kept if (target := find_target(one, items)[0]) is not None and target.name == item.name]
    if base_range is not None and not base_range.contains(version):
        raise BadInput(f"--base-range {base_range} does not hold {version}, the base that was edited")
    ours = default_range(version, others) if old is None else old.base
    override = Override(
        patch=patch,
        commit=commit,
        base=ours if base_range is None else base_range,
        when=() if old is None else old.when,
        drop=captured.drop,
        optional=old is not None and old.optional,
        reason="(no reason was given yet)",
        diff=captured.diff,
        file=f"{path.parent.name}/{path.name}",
    )
    result = job.replay(attrs.evolve(queue, overrides=(*kept, override)))
    reasons = new_reasons(point.result, result)
    if reasons and not leave:
        raise Collision(point.result, result, _STAYS, reasons)
    step = next((step for step in result.steps if step.name == item.name), None)
    made = point.before if step is None else step_trees(result.objects, step)[1]
    if made != captured.tree:
        raise BadInput(
            f"the override made of the edit gives the tree {hexed(made)}, and the edit is {hexed(captured.tree)}; "
            "nothing was written, please report it"
        )
    return Overridden(
        path=path,
        override=override,
        hunks=captured.hunks,
        version=point.result.base.version,
        result=result,
        before=point.result,
    )


def _override_path(job: Job, queue: Queue, patch: str, old: Override | None) -> Path:
    """Where the override goes: in the place of the one it replaces, else a name nobody has."""
    if old is None:
        home = override_home(queue.directory, queue.recipe, job.overrides)
        return home / free_name(patch, [path.name for path in home.glob("*")])
    for place in override_directories(queue.directory, queue.recipe, job.overrides):
        for path in place.glob("*.patch"):
            if f"{place.name}/{path.name}" == old.file:
                return path
    raise BadInput(f"the override in force, {old.file}, is in none of the directories of overrides")
