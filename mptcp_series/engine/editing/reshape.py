# SPDX-License-Identifier: MIT
"""split, fold and reorder: other patches, the same result.

Each is worked out in memory. What would collide on the way is told, and so is a result that would differ; nothing is
written then.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import attrs

from ...errors import BadInput, NeedsPerson, Problem
from ...values.override import DropTarget, Override
from ...values.series import Series, SeriesEntry
from ..exchange.render import render_patch
from ..queue import Queue
from ..replay.change import BlobChange
from ..replay.item import RawCommit
from ..replay.overrides import adapt
from ..resolving.job import Job
from ..result import Result
from ..store.objects import Objects, Oid
from .edited import edited, from_bytes, new_reasons
from .files import patch_bytes
from .point import Point, find_entry, find_point
from .taking import Collision, Taken, changes_between, prove, raw_of, refuse_unwritable, unpinned

__all__ = ["fold", "reorder", "split"]


def reorder(job: Job, queue: Queue, before: Result, name: str, *, ahead: str | None, behind: str | None) -> Taken:
    """Work out the queue with a patch right before another one, or right behind it. Nothing is written."""
    name = find_entry(queue, before, name).name
    other = find_entry(queue, before, ahead if ahead is not None else behind or "").name
    if name == other:
        raise BadInput(f"{name} cannot stand before or behind itself")
    series = _moved(queue.series, name, other, behind=ahead is None)
    if series == queue.series:
        raise BadInput(f"{name} stands there already")
    taken = prove(job, queue, edited(queue, series, {}), before, {}, {})
    _same_end(before, taken.result)
    return taken


_OF_NEXT = re.compile(rb"# (?:prerequisite|include|merge): ")
"""Comments that are about the line below them, as `extract` writes them."""


def _with_comments(series: Series, name: str) -> tuple[int, int]:
    """The lines of a patch: its own, and the comments above that are about it."""
    end = next(at for at, line in enumerate(series.lines) if line.entry is not None and line.entry.name == name) + 1
    start = end - 1
    while start and _OF_NEXT.match(series.lines[start - 1].raw):
        start -= 1
    return start, end


def _moved(series: Series, name: str, other: str, *, behind: bool) -> Series:
    """The series with a patch and its comments elsewhere."""
    raws = [line.raw for line in series.lines]
    if raws and not raws[-1].endswith(b"\n"):
        raws[-1] += b"\n"
    start, end = _with_comments(series, name)
    block, rest = raws[start:end], Series.parse(b"".join(raws[:start] + raws[end:]), series.file)
    first, last = _with_comments(rest, other)
    at = last if behind else first
    kept = [line.raw for line in rest.lines]
    return Series.parse(b"".join([*kept[:at], *block, *kept[at:]]), series.file)


def _removed(series: Series, name: str) -> Series:
    """The series without a patch and its comments."""
    start, end = _with_comments(series, name)
    return Series.parse(
        b"".join(line.raw for at, line in enumerate(series.lines) if not start <= at < end), series.file
    )


def fold(job: Job, queue: Queue, before: Result, name: str, into: str) -> Taken:
    """Work out the queue with a patch made part of another one. Nothing is written.

    It is moved right behind that one first, which may collide with what lies between. Its file stays, unlisted.
    """
    name, into = find_entry(queue, before, name).name, find_entry(queue, before, into).name
    if name == into:
        raise BadInput(f"{name} cannot be folded into itself")
    for one in (name, into):
        refuse_unwritable(find_point(queue, before, one))
    series = _moved(queue.series, name, into, behind=True)
    moved = queue if series == queue.series else edited(queue, series, {})
    between = before if moved is queue else job.replay(moved)
    if reasons := new_reasons(before, between):
        raise Collision(before, between, f"{name} cannot be brought to {into}; nothing was written", reasons)
    first, second = find_point(moved, between, into), find_point(moved, between, name)
    changes = changes_between(between.objects, first.before, second.after, {*first.paths, *second.paths})
    if not changes:
        raise BadInput(f"{into} and {name} undo each other; take both out of the series instead")
    raw = _joined(raw_of(first), raw_of(second))
    entry = unpinned(first.entry)
    data = _with_message(between.objects, queue, first, raw, changes)
    folded = edited(queue, _removed(series, name).replace_entry(into, entry), {into: from_bytes(queue, entry, data)})
    taken = prove(job, queue, folded, before, {into: data}, {into: second.after})
    _same_end(before, taken.result)
    return taken


def _with_message(objects: Objects, queue: Queue, first: Point, raw: RawCommit, changes: Sequence[BlobChange]) -> bytes:
    """The patch file of the first with both changes. A file's header is somebody's text, and stays."""
    if first.entry.pin is not None:
        return render_patch(objects, raw, changes)
    return patch_bytes(objects, queue, first.entry, raw, changes)


def _joined(first: RawCommit, second: RawCommit) -> RawCommit:
    """The first one's message, with the second's behind it."""
    return attrs.evolve(first, message=first.message.rstrip(b"\n") + b"\n\n" + second.message)


def split(
    job: Job, queue: Queue, before: Result, name: str, new_name: str, parts: Collection[DropTarget], subject: str | None
) -> Taken:
    """Work out the queue with some files or hunks of a patch in a patch of their own behind it. Nothing is written.

    parts: what goes to the new patch: files, or hunks by id.
    """
    point = find_point(queue, before, name)
    refuse_unwritable(point)
    if queue.series.find(new_name) is not None or (queue.directory / new_name).exists():
        raise BadInput(f"{new_name} exists already")
    line = SeriesEntry(name=new_name)
    middle = _without(point, parts)
    first = changes_between(before.objects, point.before, middle, set(point.paths))
    second = changes_between(before.objects, middle, point.after, set(point.paths))
    if not first or not second:
        raise BadInput(
            f"one of the two would be empty: {'all' if not first else 'nothing'} of {point.item.name} is named"
        )
    raw = raw_of(point)
    entry = unpinned(point.entry)
    data = patch_bytes(before.objects, queue, point.entry, raw, first)
    new_data = render_patch(before.objects, _renamed(raw, subject), second)
    series = queue.series.replace_entry(entry.name, entry)
    series = _moved(series.append(line), new_name, entry.name, behind=True)
    made = {entry.name: from_bytes(queue, entry, data), new_name: from_bytes(queue, line, new_data)}
    taken = prove(
        job,
        queue,
        edited(queue, series, made),
        before,
        {entry.name: data, new_name: new_data},
        {entry.name: middle, new_name: point.after},
    )
    _same_end(before, taken.result)
    return taken


def _without(point: Point, parts: Collection[DropTarget]) -> Oid:
    """The tree with the patch but for these parts."""
    override = Override(patch=point.item.name, drop=tuple(parts), reason="split")
    if drift := adapt(point.objects, point.item, override).drift:
        raise BadInput([Problem(message=one.why) for one in drift])
    replay = point.stuck().again(override)
    outcome = replay.replay(point.item)
    if outcome.conflicts:
        raise NeedsPerson(
            [
                *dict.fromkeys(f"conflict: {point.item.name}: {conflict.path}" for conflict in outcome.conflicts),
                "the rest of the patch does not stand without these parts; nothing was written",
            ]
        )
    return replay.tree.write()


def _renamed(raw: RawCommit, subject: str | None) -> RawCommit:
    """The message of the new patch: its own subject, the other's body."""
    head, blank, body = raw.message.partition(b"\n\n")
    wanted = head + b", part 2" if subject is None else subject.encode("utf-8", "surrogateescape")
    return attrs.evolve(raw, message=wanted + (blank + body if blank else b"\n"))


def _same_end(before: Result, after: Result) -> None:
    """Raise NeedsPerson where the queue no longer comes to the same files."""
    if before.complete and before.tree != after.tree:
        raise NeedsPerson(["the queue would come to other files than before; nothing was written"])
